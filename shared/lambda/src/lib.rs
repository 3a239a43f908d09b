//! AWS adapters, and the glue that starts a handler under the Lambda runtime.
