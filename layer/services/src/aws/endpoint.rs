//! URLs of services: `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_ENDPOINT_URL`, or the partition's rules.
//!
//! Source: the endpoint rule sets and partitions of botocore 1.44; endpoints.txt holds their
//! output.

use super::Service;
use crate::variables::Variables;

/// A part of AWS with its own domain names.
struct Partition {
    /// Prefix of its regions.
    regions: &'static str,
    suffix: &'static str,
    /// Suffix of hosts that have IPv6 addresses, too.
    dual_stack_suffix: &'static str,
}

/// The first with a matching prefix counts; the last matches every region.
const PARTITIONS: [Partition; 8] = [
    Partition {
        regions: "cn-",
        suffix: "amazonaws.com.cn",
        dual_stack_suffix: "api.amazonwebservices.com.cn",
    },
    Partition { regions: "us-iso-", suffix: "c2s.ic.gov", dual_stack_suffix: "api.aws.ic.gov" },
    Partition { regions: "us-isob-", suffix: "sc2s.sgov.gov", dual_stack_suffix: "api.aws.scloud" },
    Partition {
        regions: "eu-isoe-",
        suffix: "cloud.adc-e.uk",
        dual_stack_suffix: "api.cloud-aws.adc-e.uk",
    },
    Partition {
        regions: "us-isof-",
        suffix: "csp.hci.ic.gov",
        dual_stack_suffix: "api.aws.hci.ic.gov",
    },
    Partition {
        regions: "eusc-",
        suffix: "amazonaws.eu",
        dual_stack_suffix: "api.amazonwebservices.eu",
    },
    Partition { regions: "us-gov-", suffix: "amazonaws.com", dual_stack_suffix: "api.aws" },
    Partition { regions: "", suffix: "amazonaws.com", dual_stack_suffix: "api.aws" },
];

/// The URL of a service in a region, without a trailing slash.
pub fn url(service: &Service, region: &str, variables: &Variables) -> String {
    let own = variables.get(&format!("AWS_ENDPOINT_URL_{}", service.variable));
    let ignored = variables.is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    if let Some(url) = own.or_else(|| variables.get("AWS_ENDPOINT_URL")).filter(|_| !ignored) {
        return url.trim_end_matches('/').to_owned();
    }
    let fips = variables.is_true("AWS_USE_FIPS_ENDPOINT");
    let dual_stack = variables.is_true("AWS_USE_DUALSTACK_ENDPOINT");
    format!("https://{}", host(service, region, fips, dual_stack))
}

fn host(service: &Service, region: &str, fips: bool, dual_stack: bool) -> String {
    let partition = PARTITIONS.iter().find(|partition| region.starts_with(partition.regions));
    let Partition { regions, suffix, dual_stack_suffix } =
        partition.unwrap_or(&PARTITIONS[PARTITIONS.len() - 1]);
    // These services offer FIPS at their ordinary names.
    let is_fips =
        *regions == "us-gov-" && !dual_stack && matches!(service.host, "appconfigdata" | "ssm");
    // This service offers IPv6 at its ordinary names.
    let is_dual = service.host == "secretsmanager"
        && (matches!(*regions, "" | "us-gov-") || (*regions == "cn-" && !fips));
    let fips = if fips && !is_fips { "-fips" } else { "" };
    let suffix = if dual_stack && !is_dual { dual_stack_suffix } else { suffix };
    format!("{}{fips}.{region}.{suffix}", service.host)
}

#[cfg(test)]
mod tests {
    use super::super::APPCONFIG_DATA;
    use super::super::LAMBDA;
    use super::super::SECRETS_MANAGER;
    use super::super::SSM;
    use super::*;

    #[test]
    fn variables_choose_the_endpoint() {
        let found = |variables: &[(&'static str, &'static str)]| {
            url(&LAMBDA, "eu-west-1", &variables.iter().copied().collect())
        };
        assert_eq!(found(&[]), "https://lambda.eu-west-1.amazonaws.com");
        let fips = ("AWS_USE_FIPS_ENDPOINT", "true");
        let dual_stack = ("AWS_USE_DUALSTACK_ENDPOINT", "True");
        assert_eq!(found(&[fips]), "https://lambda-fips.eu-west-1.amazonaws.com");
        assert_eq!(found(&[fips, dual_stack]), "https://lambda-fips.eu-west-1.api.aws");
        let all = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1/");
        let own = ("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:2/base");
        assert_eq!(found(&[all, fips]), "http://127.0.0.1:1");
        assert_eq!(found(&[all, own]), "http://127.0.0.1:2/base");
        let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        assert_eq!(found(&[own, ignored]), "https://lambda.eu-west-1.amazonaws.com");
    }

    #[test]
    fn hosts_are_those_that_botocore_finds() {
        let services = [LAMBDA, APPCONFIG_DATA, SSM, SECRETS_MANAGER];
        let lines = include_str!("endpoints.txt").lines().filter(|line| !line.starts_with('#'));
        let mut count = 0;
        for line in lines {
            let [name, region, fips, dual_stack, expected] =
                line.split(' ').collect::<Vec<_>>().try_into().expect("five words");
            let service = services.iter().find(|service| service.host == name).expect("known");
            assert_eq!(
                host(service, region, fips == "fips", dual_stack == "dual"),
                expected,
                "{line}"
            );
            count += 1;
        }
        assert!(count > 150, "{count}");
    }
}
