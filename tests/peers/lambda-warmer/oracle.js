// Runs lambda-warmer on sequences of events: reads a JSON list of cases from standard input, and
// writes the list of their results. Each case has an environment of its own.
//
//   case    {"arn": "…", "events": ["an event's text", …]}
//   result  [{"result": true, "records": […],
//             "invocations": [{"FunctionName", "InvocationType", "LogType", "Payload"}]}, …]
'use strict'

const Module = require('module')
const path = require('path')

let invocations = []
const sdk = {
  LambdaClient: class { async send(command) { invocations.push(command.params) } },
  InvokeCommand: class { constructor(params) { this.params = params } },
}
const load = Module._load
Module._load = (name, ...rest) => (name === '@aws-sdk/client-lambda' ? sdk : load(name, ...rest))

const folder = path.resolve(process.argv[2], 'node_modules/lambda-warmer')
const version = require(path.join(folder, 'package.json')).version
if (version !== '2.3.0') throw new Error(`lambda-warmer ${version}`)

const print = console.log
const run = async ({ arn, events }) => {
  for (const file of Object.keys(require.cache)) delete require.cache[file]
  const warmer = require(folder)
  const seen = []
  for (const event of events.map((text) => JSON.parse(text))) {
    invocations = []
    const records = []
    console.log = (record) => records.push(record)
    const result = await warmer(event, { delay: 0 }, { invokedFunctionArn: arn })
    const sent = invocations.map((call) => ({ ...call, Payload: JSON.parse(call.Payload) }))
    seen.push({ result: Boolean(result), invocations: sent, records })
  }
  return seen
}

let input = ''
process.stdin.on('data', (data) => { input += data })
process.stdin.on('end', async () => {
  const results = []
  for (const item of JSON.parse(input)) results.push(await run(item))
  print(JSON.stringify(results))
})
