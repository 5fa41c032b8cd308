//! Configuration under programs of other people: boto3, moto, strace.

mod honest;
mod system_calls;
