import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { Script } from 'node:vm';
import { page } from '../../src/admin/page.ts';
import { startPlane } from './ask.ts';

const inner = (tag: string) =>
  [...page.matchAll(new RegExp(`<${tag}[^>]*>([^]*?)</${tag}>`, 'g'))].map(([, text = '']) => text);

test('the one script and the one style are what the policy names, so they run and nothing else does', async t => {
  const { ask } = await startPlane(t);
  const { headers, text } = await ask();
  assert.equal(text, page);
  const policy = headers['content-security-policy'] as string;
  for (const tag of ['script', 'style']) {
    const texts = inner(tag);
    assert.equal(texts.length, 1);
    const hash = createHash('sha256')
      .update(texts[0] ?? '')
      .digest('base64');
    assert.ok(policy.includes(`${tag}-src 'sha256-${hash}'`), tag);
  }
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
});

test('the page loads nothing from elsewhere and has no handlers in its markup', () => {
  const [script = ''] = inner('script');
  const [style = ''] = inner('style');
  const markup = page.replace(script, '').replace(style, '');
  assert.doesNotMatch(markup, /\son\w+=|javascript:|\sstyle=|https?:/i);
  assert.doesNotMatch(style, /url\(|@import/i);
  assert.deepEqual(script.match(/https?:[^'"]*/g), ['http://www.w3.org/2000/svg']);
});

test('the script is well-formed, and shows what it is told as text only', () => {
  const [script = ''] = inner('script');
  assert.doesNotThrow(() => new Script(script));
  assert.doesNotMatch(script, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|Function\(/);
});

test('every element the script looks for is on the page', () => {
  const wanted = [...page.matchAll(/byId\('([\w-]+)'\)/g)].map(([, id = '']) => id);
  assert.ok(wanted.length > 10);
  for (const id of wanted) assert.ok(page.includes(`id="${id}"`), id);
});
