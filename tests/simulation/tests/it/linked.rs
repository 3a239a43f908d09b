//! What the simulation is made of.

use std::process::Command;

/// The SDK and Lambda's runtime go by the machine's clock and network, and nothing here does.
#[test]
fn no_crate_of_aws_is_linked() {
    let asked = concat!("tree --locked -p ", env!("CARGO_PKG_NAME"), " -e normal,dev --prefix none -f {p}");
    let output = Command::new(env!("CARGO")).args(asked.split(' ')).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let crates: Vec<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(crates.contains(&"lambdesk-store"), "{tree}");
    let begins = ["aws-", "aws_", "lambda_", "lambdesk-lambda"];
    let of_aws = crates.iter().filter(|name| begins.iter().any(|begin| name.starts_with(begin)));
    assert_eq!(of_aws.collect::<Vec<_>>(), Vec::<&&str>::new());
}
