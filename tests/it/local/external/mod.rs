//! The local Lambda with clients and tools of other people: boto3, the AWS command, ApacheBench,
//! Chromium, lld, strace, QEMU.

mod advice;
mod architectures;
mod clients;
mod counts;
mod load;
mod measure;
mod page;
