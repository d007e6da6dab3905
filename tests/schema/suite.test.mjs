// The JSON-Schema-Test-Suite's cases for draft 2020-12.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import test from "node:test";

import { filesOutOfScope, groupsOutOfScope, optionalFiles } from "./scope.mjs";
import { check } from "./support.mjs";

const folder = fileURLToPath(new URL(".venv/suite/json/tests/draft2020-12", import.meta.url));
const files = [
  ...readdirSync(folder).filter((name) => name.endsWith(".json")),
  ...optionalFiles.map((name) => `optional/${name}`),
];

let passed = 0;
let refused = 0;

for (const file of files.sort()) {
  test(`suite: ${file}`, () => {
    const groups = JSON.parse(readFileSync(`${folder}/${file}`, "utf8"));
    const answers = check(groups.map(({ schema, tests }) => ({ schema, instances: tests.map((one) => one.data) })));
    const needed = new Set();
    groups.forEach((group, i) => {
      const reason = filesOutOfScope[file] ?? groupsOutOfScope[file]?.[group.description];
      if (answers[i].error !== undefined) {
        assert.ok(reason, `${group.description}: not compiled: ${answers[i].error}`);
        needed.add(group.description);
        refused += group.tests.length;
        return;
      }
      group.tests.forEach((one, j) => {
        const { valid, violations } = answers[i].results[j];
        assert.equal(valid, one.valid, `${group.description}: ${one.description}: ${JSON.stringify(violations)}`);
        passed += 1;
      });
    });
    if (file in filesOutOfScope) assert.ok(needed.size > 0, "the whole file is in scope");
    for (const name of Object.keys(groupsOutOfScope[file] ?? {})) assert.ok(needed.has(name), `${name} is in scope`);
  });
}

test("suite: nearly all cases of the known keywords were judged", (t) => {
  t.diagnostic(`${passed} cases agree, ${refused} cases are of schemas that we refuse`);
  assert.ok(passed >= 500, `${passed} cases`);
  for (const file of [...Object.keys(filesOutOfScope), ...Object.keys(groupsOutOfScope)]) {
    assert.ok(files.includes(file), `${file} is not in the suite`);
  }
});
