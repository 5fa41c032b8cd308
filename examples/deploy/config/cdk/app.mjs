// The example `config` with AWS AppConfig, for the CDK: the same resources as ../template.yaml.
//
//   ./build.sh && cd examples/deploy/config/cdk && npm install && npx cdk deploy

import { fileURLToPath } from 'node:url';

import * as cdk from 'aws-cdk-lib';
import * as appconfig from 'aws-cdk-lib/aws-appconfig';
import * as lambda from 'aws-cdk-lib/aws-lambda';

const dist = fileURLToPath(new URL('../../../../dist', import.meta.url));

const app = new cdk.App();
const stack = new cdk.Stack(app, 'PilotlightConfig');

const application = new appconfig.Application(stack, 'Application');
const production = application.addEnvironment('Production');
const flags = new appconfig.HostedConfiguration(stack, 'Flags', {
  application,
  type: appconfig.ConfigurationType.FEATURE_FLAGS,
  content: appconfig.ConfigurationContent.fromInlineJson(
    JSON.stringify({
      version: '1',
      flags: { formal: { name: 'formal' } },
      values: { formal: { enabled: false } },
    }),
  ),
  deploymentStrategy: new appconfig.DeploymentStrategy(stack, 'AtOnce', {
    rolloutStrategy: appconfig.RolloutStrategy.ALL_AT_ONCE,
  }),
  deployTo: [production],
});

const layer = new lambda.LayerVersion(stack, 'Layer', {
  code: lambda.Code.fromAsset(`${dist}/pilotlight-layer-x86_64.zip`),
  compatibleRuntimes: [lambda.Runtime.PROVIDED_AL2023],
  compatibleArchitectures: [lambda.Architecture.X86_64],
});

const ids = [application.applicationId, production.environmentId, flags.configurationProfileId];
const greeter = new lambda.Function(stack, 'Greeter', {
  runtime: lambda.Runtime.PROVIDED_AL2023,
  architecture: lambda.Architecture.X86_64,
  handler: 'config',
  code: lambda.Code.fromAsset(`${dist}/examples`, { exclude: ['*', '!libconfig.so'] }),
  memorySize: 128,
  timeout: cdk.Duration.seconds(3),
  layers: [layer],
  environment: { PILOTLIGHT_CONFIG: `flags=appconfig:${ids.join('/')}?ttl=45s` },
});
production.grantReadConfig(greeter);

new cdk.CfnOutput(stack, 'Function', { value: greeter.functionName });
