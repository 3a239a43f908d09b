import { App, Stack } from "aws-cdk-lib";
import { Lambdesk } from "../lib/lambdesk.js";

// `cdk synth -c binaries=…`: where the built functions lie, if not in target/lambda.
const app = new App();
const stack = new Stack(app, "Lambdesk");
new Lambdesk(stack, "Desk", { binaries: app.node.tryGetContext("binaries") });
app.synth();
