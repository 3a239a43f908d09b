import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { CfnFunction } from "aws-cdk-lib/aws-sam";
import { CfnInclude } from "aws-cdk-lib/cloudformation-include";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import { Construct } from "constructs";

/** What a desk may be told; see the parameters of `template.yaml`, whose defaults hold for whatever is left out. */
export interface LambdeskProps {
  /** Values of the template's parameters by name. Parameters that are given here are asked for no more. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** The SAM template. Default: the one of this repository. */
  readonly template?: string;
  /** Where `<package>/bootstrap` of each function lies, as cargo-lambda leaves it. Default: `target/lambda`. */
  readonly binaries?: string;
}

/** The root of the repository, seen from `infra/dist/lib`. */
const ROOT = resolve(import.meta.dirname, "../../..");

/**
 * A desk in a stack of one's own.
 *
 * It is `template.yaml` itself, so that there is one truth: this includes it, with the SAM transform, and puts an asset
 * of the built binary in place of each function's `CodeUri`. Only one desk fits into a stack, because the template's
 * names are kept.
 */
export class Lambdesk extends Construct {
  /** The template, for whoever wants to refer to its resources or change them. */
  readonly template: CfnInclude;

  constructor(scope: Construct, id: string, props: LambdeskProps = {}) {
    super(scope, id);
    const binaries = props.binaries ?? join(ROOT, "target/lambda");
    this.template = new CfnInclude(this, "Template", {
      templateFile: props.template ?? join(ROOT, "template.yaml"),
      parameters: props.parameters ? { ...props.parameters } : undefined,
    });
    for (const child of this.template.node.children) {
      if (child instanceof CfnFunction) this.replaceCode(child, binaries);
    }
  }

  private replaceCode(fn: CfnFunction, binaries: string): void {
    const source = fn.codeUri;
    if (typeof source !== "string") throw new Error(`${fn.node.id} has no CodeUri to replace`);
    const name = `lambdesk-${source.replace(/^functions\//, "")}`;
    const path = join(binaries, name);
    if (!existsSync(join(path, "bootstrap"))) {
      throw new Error(`${join(path, "bootstrap")} is missing: build it first, see infra/README.md`);
    }
    const asset = new Asset(this, fn.node.id, { path });
    fn.codeUri = { bucket: asset.s3BucketName, key: asset.s3ObjectKey };
    // Else `sam build` would want to build the asset.
    fn.cfnOptions.metadata = undefined;
  }
}
