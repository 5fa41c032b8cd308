// Feature flags of AWS AppConfig for the function of ../cdk/app.mjs: an application, its
// environment, and a profile with the flag `formal`. Put this file beside that one, and add to it:
//
//   import { addFlags } from './config.mjs';
//   addFlags(fn);
//
// The runtime reads them itself: no extension is needed. Later, deploy another version of the
// flags. The function needs no deployment.
import { Stack } from 'aws-cdk-lib';
import * as appconfig from 'aws-cdk-lib/aws-appconfig';

export function addFlags(fn) {
  const stack = Stack.of(fn);
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
  const ids = [application.applicationId, production.environmentId, flags.configurationProfileId];
  fn.addEnvironment('PILOTLIGHT_CONFIG', `flags=appconfig:${ids.join('/')}?ttl=45s`);
  production.grantReadConfig(fn);
}
