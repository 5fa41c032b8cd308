# Feature flags of AWS AppConfig for the function of ../terraform/main.tf: an application, its
# environment, and a profile with the flag `formal`. Put this file beside that one, and add to
# `aws_lambda_function`:
#
#   environment { variables = { PILOTLIGHT_CONFIG = local.config } }
#
# The runtime reads them itself: no extension is needed. Later, deploy another version of the
# flags. The function needs no deployment.
locals {
  flags = join("/", [
    aws_appconfig_application.application.id,
    aws_appconfig_environment.production.environment_id,
    aws_appconfig_configuration_profile.flags.configuration_profile_id,
  ])
  config = "flags=appconfig:${local.flags}?ttl=45s"
}
resource "aws_appconfig_application" "application" { name = "hello" }
resource "aws_appconfig_environment" "production" {
  name           = "production"
  application_id = aws_appconfig_application.application.id
}
resource "aws_appconfig_configuration_profile" "flags" {
  name           = "flags"
  application_id = aws_appconfig_application.application.id
  location_uri   = "hosted"
  type           = "AWS.AppConfig.FeatureFlags"
}
resource "aws_appconfig_hosted_configuration_version" "flags" {
  application_id           = aws_appconfig_application.application.id
  configuration_profile_id = aws_appconfig_configuration_profile.flags.configuration_profile_id
  content_type             = "application/json"
  content = jsonencode({
    version = "1"
    flags   = { formal = { name = "formal" } }
    values  = { formal = { enabled = false } }
  })
}
resource "aws_appconfig_deployment" "flags" {
  application_id           = aws_appconfig_application.application.id
  environment_id           = aws_appconfig_environment.production.environment_id
  configuration_profile_id = aws_appconfig_configuration_profile.flags.configuration_profile_id
  configuration_version    = aws_appconfig_hosted_configuration_version.flags.version_number
  deployment_strategy_id   = "AppConfig.AllAtOnce"
}
resource "aws_iam_role_policy" "flags" {
  role = aws_iam_role.function.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect   = "Allow"
    Action   = ["appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"]
    Resource = "${aws_appconfig_application.application.arn}/environment/*/configuration/*"
  }] })
}
