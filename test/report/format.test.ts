import test from 'ava'
import { formatChange, formatEnds, formatInterval, formatPValue, formatValue, plural, typeset } from '../../src/report/format.ts'
import { embedJson, escapeHtml, html, withCode } from '../../src/report/markup.ts'
import { linearTicks, logTicks, valueScale } from '../../src/report/scales.ts'

test('values have three digits and the unit that suits their size', (t) => {
  t.deepEqual([0, 0.0123, 5.678, 278.4, 6240, 72_300].map((value) => formatValue(value, 'ms')), ['0 ms', '12.3 µs', '5.68 ms', '278 ms', '6.24 s', '72.3 s'])
  t.deepEqual([0, 0.0042, 1].map((value) => formatValue(value, 'share')), ['0%', '0.420%', '100%'])
  t.deepEqual([900, 12_500, 3_200_000].map((value) => formatValue(value, 'bytes')), ['900 B', '12.5 kB', '3.20 MB'])
  t.deepEqual([900, 12_500, 3_200_000, 2.037e9].map((value) => formatValue(value, 'bit/s')), ['900 bit/s', '12.5 kbit/s', '3.20 Mbit/s', '2.04 Gbit/s'])
})

test('the ends of an interval are in its estimate\'s unit', (t) => {
  t.is(formatInterval({ estimate: 1200, low: 800, high: 1900 }, 'ms'), '1.20 s [0.80, 1.90]')
  t.is(formatEnds({ estimate: 5, low: 5, high: 5 }, 'ms'), '')
  t.is(formatEnds({ estimate: 5, low: -Infinity, high: Infinity }, 'ms'), '[one run]')
})

test('changes read as percentages, large ones as factors', (t) => {
  t.is(formatChange({ estimate: -0.96, low: -0.97, high: -0.94 }), '-96% [-97, -94]')
  t.is(formatChange({ estimate: 0.042, low: -0.01, high: 0.09 }), '+4.2% [-1.0, +9.0]')
  t.is(formatChange({ estimate: 13, low: 12, high: 14 }), '×14 [×13, ×15]')
  t.is(formatChange({ estimate: -1, low: -1, high: -1 }), '-100%')
  t.is(formatChange({ estimate: 0.0001, low: 0, high: 0.0002 }), '0% [0, 0]')
})

test('p-values, plurals and minus signs', (t) => {
  t.is(formatPValue(0.00001), '< 0.001')
  t.is(formatPValue(0.0312), '0.031')
  t.is(plural(1, 'seed'), '1 seed')
  t.is(plural(20, 'seed'), '20 seeds')
  t.is(typeset('-96% [-97, -95] (6 s -> 1 s) re-use'), '−96% [−97, −95] (6 s → 1 s) re-use')
})

test('whatever stands in a template is escaped', (t) => {
  t.is(html`<p title="${'"><script>'}">${['<b>', html`<i>${'&'}</i>`]}${undefined}</p>`.text, '<p title="&quot;&gt;&lt;script&gt;">&lt;b&gt;<i>&amp;</i></p>')
  t.is(escapeHtml('<\'&">'), '&lt;&#39;&amp;&quot;&gt;')
  t.is(withCode('run `a <b>` now').text, 'run <code>a &lt;b&gt;</code> now')
})

test('JSON in a script element cannot end it', (t) => {
  const value = { text: '</script><!-- & \u2028\u2029' }
  const { text } = embedJson('data', value)
  const json = /^<script type="application\/json" id="data">(.*)<\/script>$/.exec(text)?.[1] ?? ''
  t.notRegex(json, /[<>&\u2028\u2029]/)
  t.deepEqual(JSON.parse(json), value)
})

test('an axis on which all is zero goes to a unit that can be read', (t) => {
  t.deepEqual(valueScale([0, 0], 'share').scale.domain, [0, 0.01])
  t.deepEqual(valueScale([0], 'count').scale.domain, [0, 1])
  t.deepEqual(valueScale([0, 10], 'ms').scale.domain, [0, 10.6])
})

test('ticks are round and inside the axis', (t) => {
  t.deepEqual(logTicks([80, 3000]), [100, 200, 500, 1000, 2000])
  t.deepEqual(linearTicks([0, 59]), [0, 20, 40])
  t.deepEqual(linearTicks([240.5, 273]), [250, 260, 270])
})
