// Resources, prompts, completion and subscriptions with each official client, over a real sandbox.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { clients, connect, eventually, stateDirectory } from './support.mjs';

const state = stateDirectory();
after(() => state.remove());

const output = (process) => `rexec://default/processes/${process}/output`;
const refused = (promise, code) => assert.rejects(promise, (error) => { assert.equal(error.code, code, error.message); return true; });

async function exec(client, args) {
  const result = await client.callTool({ name: 'exec', arguments: args });
  assert.ok(!result.isError, JSON.stringify(result));
  return result.structuredContent;
}

/** Follows updates of `uri`; the returned function ends that. */
async function follow(kind, client, uri, updated) {
  if (kind.era === 'legacy') {
    const method = 'notifications/resources/updated';
    if (kind.name.includes('v1')) {
      const { ResourceUpdatedNotificationSchema } = await import('@modelcontextprotocol/sdk/types.js');
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, (n) => updated(n.params.uri));
    } else {
      client.setNotificationHandler(method, (n) => updated(n.params.uri));
    }
    await client.subscribeResource({ uri });
    return () => client.unsubscribeResource({ uri });
  }
  client.setNotificationHandler('notifications/resources/updated', (n) => updated(n.params.uri));
  const subscription = await client.listen({ resourceSubscriptions: [uri] });
  return () => subscription.close();
}

for (const kind of clients) {
  describe(kind.name, () => {
    test('reads resources, and makes no sandbox by it', async () => {
      const { client } = await connect(kind, state.path);
      try {
        const declared = client.getServerCapabilities();
        assert.equal(declared.resources.subscribe, true);
        assert.ok(declared.prompts && declared.completions);
        const templates = (await client.listResourceTemplates()).resourceTemplates;
        assert.deepEqual(templates.map((t) => t.uriTemplate),
          ['rexec://{sandbox}/files/{+path}', 'rexec://{sandbox}/processes/{process}/output', 'rexec://{sandbox}/terminals/{terminal}/screen',
          'rexec://{sandbox}/terminals/{terminal}/recording']);
        assert.deepEqual((await client.listResources()).resources.map((r) => r.uri), ['rexec://about']);
        await refused(client.readResource({ uri: 'rexec://default/files/~' }), kind.notFound);
        const about = await client.readResource({ uri: 'rexec://about' });
        assert.match(about.contents[0].text, /None yet/);

        await exec(client, { command: "echo hello > 'a b.txt'; printf '\\0\\1\\2\\377' > binary" });
        assert.deepEqual((await client.listResources()).resources.map((r) => r.uri),
          ['rexec://about', 'rexec://default/files/~']);
        const text = await client.readResource({ uri: 'rexec://default/files/a%20b.txt' });
        assert.equal(text.contents[0].text, 'hello\n');
        const binary = await client.readResource({ uri: 'rexec://default/files/~/binary' });
        assert.equal(binary.contents[0].blob, 'AAEC/w==');
        const absolute = await client.readResource({ uri: 'rexec://default/files//home/user/a%20b.txt' });
        assert.equal(absolute.contents[0].text, 'hello\n');
      } finally {
        await client.close();
      }
    });

    test('is told when a process ends, and not after it has unsubscribed', async () => {
      const { client } = await connect(kind, state.path);
      try {
        const wait = 'while [ ! -e go ]; do sleep 0.02; done; rm go; echo done';
        const { process } = await exec(client, { command: wait, wait_s: 0 });
        const updates = [];
        const unfollow = await follow(kind, client, output(process), (uri) => updates.push(uri));
        await exec(client, { command: 'true' });
        assert.deepEqual(updates, []);
        await exec(client, { command: 'touch go' });
        await eventually('the end is told', () => updates.length > 0);
        assert.deepEqual(updates, [output(process)]);
        const read = await client.readResource({ uri: output(process) });
        assert.match(read.contents[0].text, /^done\n\[exit 0/);
        await unfollow();

        const second = await exec(client, { command: wait, wait_s: 0 });
        await (await follow(kind, client, output(second.process), (uri) => updates.push(uri)))();
        await exec(client, { command: 'touch go' });
        await client.callTool({ name: 'process_read', arguments: { process: second.process, until: 'exit', wait_s: 10 } });
        await client.listTools();
        assert.equal(updates.length, 1);
      } finally {
        await client.close();
      }
    });

    test('offers prompts and completes their arguments', async () => {
      const { client } = await connect(kind, state.path);
      try {
        const { prompts } = await client.listPrompts();
        assert.deepEqual(prompts.map((p) => p.name), ['getting_started', 'debug_failure']);
        await refused(client.getPrompt({ name: 'debug_failure' }), -32602);
        const { process } = await exec(client, { command: 'echo the cause >&2; exit 9' });
        const ref = { type: 'ref/prompt', name: 'debug_failure' };
        const { completion } = await client.complete({ ref, argument: { name: 'process', value: 'p' } });
        assert.deepEqual(completion, { values: [process], total: 1, hasMore: false });
        const prompt = await client.getPrompt({ name: 'debug_failure', arguments: { process } });
        assert.match(prompt.messages[0].content.text, /the cause\n\[exit 9/);
        const file = { type: 'ref/resource', uri: 'rexec://{sandbox}/files/{+path}' };
        const names = await client.complete({ ref: file, argument: { name: 'sandbox', value: 'de' } });
        assert.deepEqual(names.completion.values, ['default']);
      } finally {
        await client.close();
      }
    });
  });
}
