//! The services in front of a function, told apart by their events.
//!
//! Source: "Input format of a Lambda function for proxy integration" (REST API), "Create AWS Lambda
//! proxy integrations for HTTP APIs" and "Invoking Lambda function URLs" (formats 1.0 and 2.0),
//! "Lambda functions as targets" of Elastic Load Balancing and of VPC Lattice.

use super::event::Event;
use super::event::Foreign;

/// The service that a request came through, and the form of its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Front {
    /// API Gateway's REST API.
    RestApi,
    /// API Gateway's HTTP API with payload format 1.0.
    HttpApiV1,
    /// API Gateway's HTTP API with payload format 2.0, or a function URL.
    HttpApi,
    /// An Application Load Balancer.
    LoadBalancer {
        /// Whether its target group has the attribute `lambda.multi_value_headers.enabled`.
        multi_value: bool,
    },
    /// VPC Lattice, with version 2 of its format.
    Lattice,
}

impl Front {
    /// The service that has sent this event, or the reason why it is no request.
    pub(super) fn of(event: &Event) -> Result<Front, &'static str> {
        let context = &event.context;
        if let Some(foreign) = event.foreign {
            return Err(refusal(foreign));
        }
        if context.is_load_balancer {
            let multi_value = event.multi_headers.is_some() || event.multi_query.is_some();
            return Ok(Front::LoadBalancer { multi_value });
        }
        let is_version = |version| event.version.as_deref() == Some(version);
        match (context.method.is_some(), event.method.is_some()) {
            _ if context.is_websocket => Err(WEBSOCKET),
            _ if event.path.is_none() => Err(UNKNOWN),
            (true, _) => Ok(Front::HttpApi),
            (false, true) if is_version("2.0") || context.is_lattice => Ok(Front::Lattice),
            (false, true) if is_version("1.0") => Ok(Front::HttpApiV1),
            (false, true) => Ok(Front::RestApi),
            (false, false) => Err(UNKNOWN),
        }
    }
}

const UNKNOWN: &str = "it has no method or no path; invoke the function through API Gateway, a function URL, \
    an Application Load Balancer or VPC Lattice, or with an event in the form of one of these";
const WEBSOCKET: &str = "it is an event of a WebSocket API, which has messages instead of \
    requests; handle it with `handler!`";

fn refusal(foreign: Foreign) -> &'static str {
    match foreign {
        Foreign::Records => {
            "it has `Records`, as events of SQS, SNS, S3, DynamoDB and Kinesis have; handle it \
             with `handler!`"
        }
        Foreign::Authorizer => {
            "it asks an authorizer of API Gateway to allow a request; handle it with `handler!`"
        }
        Foreign::EventBridge => "it is an event of EventBridge; handle it with `handler!`",
        Foreign::LatticeV1 => {
            "it has version 1 of VPC Lattice's format; set the target group's Lambda event \
             structure version to V2"
        }
    }
}
