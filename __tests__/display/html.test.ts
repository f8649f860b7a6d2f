import fc from 'fast-check';
import { type Content, html, trusted } from '../../display/html';

const text = (content: Content) => html`${content}`.toString();

test('texts are escaped, for elements and quoted attributes', () => {
  const evil = `<script a="b" c='d'>&`;
  expect(html`<p title="${evil}">${evil}</p>`.toString()).toBe(
    '<p title="&lt;script a=&quot;b&quot; c=&#39;d&#39;&gt;&amp;">&lt;script a=&quot;b&quot; c=&#39;d&#39;&gt;&amp;</p>',
  );
});

test('no text brings markup in, nor anything that is not of `html`', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', 'a') }), (value) => {
      for (const content of [value, [value], [[value]]]) {
        expect(text(content)).not.toMatch(/[<>"']|&(?!(amp|lt|gt|quot|#39);)/);
      }
    }),
  );
  expect(text({ toString: () => '<b>' } as never)).toBe('&lt;b&gt;');
});

test('other results go in as they are, in arrays too; undefined and false leave nothing', () => {
  const items = ['a', '<'].map((item) => html`<li>${item}</li>`);
  expect(html`<ul>${items}</ul>`.toString()).toBe('<ul><li>a</li><li>&lt;</li></ul>');
  expect(html`${undefined}${false}${0}${''}${trusted('a > b')}`.toString()).toBe('0a > b');
});
