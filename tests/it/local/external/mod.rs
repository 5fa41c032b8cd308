//! The local Lambda with clients of other people: boto3, the AWS command, Chromium.

mod clients;
mod page;
