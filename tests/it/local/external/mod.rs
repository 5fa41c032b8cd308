//! The local Lambda with clients of other people: boto3, the AWS command, ApacheBench, Chromium.

mod clients;
mod load;
mod page;
