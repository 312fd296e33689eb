import { darkArmVariables, lightArmVariables } from './palette.ts'

const LIGHT = `--bg:#fdfdfc;--surface:#f5f5f2;--fg:#1b1e23;--muted:#5d6470;--line:#d5d7d3;--line-strong:#8b9099;--grid:#e8e9e6;--band:#ececea;--link:#0b5cad;--good:#0b6b45;--good-bg:#dff3e8;--bad:#a3231b;--bad-bg:#fce5e2;--same:#4b525d;--same-bg:#e9eaec;--open:#7a5600;--open-bg:#fbf0d2;${lightArmVariables}`
const DARK = `--bg:#14171b;--surface:#1c2026;--fg:#e7e9ec;--muted:#a0a8b4;--line:#353b44;--line-strong:#77808d;--grid:#282d35;--band:#22272e;--link:#7cb8f5;--good:#7bdcae;--good-bg:#173528;--bad:#ff9d94;--bad-bg:#43201d;--same:#c0c6cf;--same-bg:#2c323a;--open:#f2cd6c;--open-bg:#3b3013;${darkArmVariables}`

/** The page's style sheet: light and dark by preference, paper always light. */
export const STYLE = `
:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:3.5rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
header,main,footer,nav ul{max-width:1080px;margin:0 auto;padding:0 1rem}
header{padding-top:2.5rem}
.kicker{margin:0;color:var(--muted);font-size:.875rem}
h1{margin:.15rem 0 .5rem;font-size:clamp(1.6rem,1.2rem + 2vw,2.3rem);line-height:1.15;letter-spacing:-.018em;text-wrap:balance}
h2{margin:3.25rem 0 .75rem;font-size:1.35rem;line-height:1.25;letter-spacing:-.01em}
h3{margin:0 0 .35rem;font-size:1rem;line-height:1.35}
p{margin:.5rem 0;max-width:46rem;text-wrap:pretty}
a{color:var(--link)}
small,.quiet{color:var(--muted)}
small{font-size:.8125rem}
.question{color:var(--muted);font-size:1.05rem}
.verdict{margin:1.6rem 0 .6rem;max-width:54rem;font-size:clamp(1.15rem,1rem + .9vw,1.5rem);line-height:1.4;font-weight:600;letter-spacing:-.008em}
.agreement-line{margin:0 0 1rem}
.lead{font-weight:600}
.chips{display:flex;flex-wrap:wrap;gap:.4rem;margin:1rem 0 1.5rem;padding:0;list-style:none}
.chips li,.badge{border-radius:.85rem;padding:.12rem .65rem;background:var(--same-bg);color:var(--same);font-size:.8125rem;font-weight:600;white-space:nowrap}
.chips li{white-space:normal}
.chips a{color:inherit}
.good{background:var(--good-bg)!important;color:var(--good)!important}
.bad{background:var(--bad-bg)!important;color:var(--bad)!important}
.badge.open{background:var(--open-bg);color:var(--open)}
.bad-text{color:var(--bad)}
.badge{display:inline-block;padding:.05rem .55rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,18rem),1fr));gap:1rem}
.card{padding:1rem 1.1rem;border:1px solid var(--line);border-radius:10px;background:var(--surface)}
.card h2{margin:0 0 .35rem;font-size:1rem;line-height:1.35;letter-spacing:0}
.card p{margin:.25rem 0;font-size:.9375rem}
.card ul{margin:.6rem 0 0;padding:0;list-style:none;font-size:.9375rem}
.card li{padding:.4rem 0;border-top:1px solid var(--line)}
.key{display:inline-flex;align-items:center;gap:.35rem;white-space:nowrap}
.key svg{flex:none;width:14px;height:14px}
.marks{position:absolute}
.key .wire{width:28px;height:8px}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:.75rem 0 1rem;max-width:none;font-size:.9375rem}
nav{position:sticky;top:0;z-index:2;margin-top:1.5rem;border-block:1px solid var(--line);background:var(--bg)}
nav ul{display:flex;gap:1.25rem;padding-block:.55rem;list-style:none;overflow-x:auto;font-size:.9rem;white-space:nowrap;scrollbar-width:none}
nav a{color:var(--muted);text-decoration:none}
nav a:hover,nav a:focus-visible{color:var(--fg);text-decoration:underline}
h3.apart{margin-top:2rem}
table{border-collapse:collapse;width:100%;font-size:.9375rem}
th{font-weight:500;text-align:left}
thead th{padding:.35rem .6rem;border-bottom:1px solid var(--line-strong);color:var(--muted);font-size:.8125rem;vertical-align:bottom}
.effects td,.effects tbody th{padding:.3rem .6rem;vertical-align:middle}
.effects th:first-child,.effects td:first-child{padding-left:0}
.effects .group th{padding-top:1.15rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}
.effects .group b{margin-left:.4rem}
.effects .group small{margin-left:.5rem}
.effects tbody:first-of-type .group th{padding-top:.6rem}
.effects .baseline{color:var(--muted)}
.claims td,.claims tbody th,.wide td,.wide tbody th{padding:.45rem .9rem .45rem 0;border-bottom:1px solid var(--grid);vertical-align:top}
.claims thead th,.wide thead th{padding-left:0}
.claims .group th{padding-top:1.1rem;border-bottom-color:var(--line);font-weight:600}
.claims tbody th .line{max-width:22rem}
.claims td:nth-child(3){white-space:nowrap}
.claims td:nth-child(2) .ends{white-space:nowrap}
.number :is(b,.ends){white-space:nowrap}
.effects .key,.agreement td.ends{white-space:normal}
.ends{color:var(--muted);font-size:.875rem}
.line{display:block;line-height:1.3}
.strip-cell,.axis{width:272px;min-width:230px;padding-block:0!important}
.strip{display:block;width:260px;max-width:100%;height:auto;overflow:visible}
.strip text{fill:var(--muted);font-size:11px;font-weight:400}
.strip .band{fill:var(--band)}
.strip .tick{stroke:var(--grid)}
.strip .none{stroke:var(--line-strong)}
.strip g,.sign{stroke:currentColor;stroke-width:1.25;stroke-linecap:round;fill:none}
.strip .full,.sign.full{stroke-width:2.5}
.strip .full circle,.sign.full circle{fill:currentColor;stroke:none}
.strip .open,.sign .open{fill:var(--bg);stroke-width:1.5}
.sign{color:var(--muted)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:2rem 2.5rem}
figure{margin:0;min-width:0}
figcaption{color:var(--muted);font-size:.875rem}
.chart{position:relative}
.chart svg{display:block;width:100%;max-width:500px;height:auto;overflow:visible}
.wide-figures{display:grid;gap:2rem;grid-template-columns:minmax(0,1fr)}
.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,16rem),1fr));gap:1rem 1.5rem}
.panel p{margin:0 0 .2rem;font-size:.875rem}
.panel .chart svg,.panel svg{max-width:320px}
.heats{display:flex;flex-wrap:wrap;gap:.75rem 2rem;margin:.75rem 0}
.heats>*{max-width:100%}
.heat{width:auto;font-size:.8125rem}
.heat caption{padding:.2rem 0;text-align:left;color:var(--muted)}
.heat th,.heat td{padding:.25rem .4rem;border:1px solid var(--grid);white-space:nowrap}
.heat thead th{border-bottom-color:var(--line)}
.heat td{text-align:right;background:color-mix(in srgb,var(--heat,transparent) var(--depth,0%),transparent)}
.heat .better{--heat:var(--arm-2)}
.heat .worse{--heat:var(--arm-1)}
.aside{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.chart text{font:12px system-ui,sans-serif}
.empty{color:var(--muted);font-style:italic}
details{margin:.35rem 0;font-size:.9rem}
summary{color:var(--muted);cursor:pointer;width:max-content;max-width:100%}
summary:hover{color:var(--fg)}
.scroll{position:relative;overflow-x:auto}
.data{width:auto;min-width:min(100%,20rem);margin:.4rem 0;font-size:.875rem}
.data th,.data td{padding:.25rem .9rem .25rem 0;border-bottom:1px solid var(--grid);text-align:right;white-space:nowrap}
.data thead th{border-bottom-color:var(--line-strong)}
.data th:first-child,.data .text{text-align:left}
.data :is(th,td):last-child{padding-right:0}
.data :is(tbody th,td.text){white-space:normal}
.data tbody th{min-width:9rem}
.beliefs td.text:nth-child(n+3){min-width:13rem}
.beliefs tbody th[colspan]{padding-top:.8rem}
details .data{max-height:24rem}
pre{margin:.6rem 0;padding:.75rem 1rem;border:1px solid var(--line);border-radius:8px;background:var(--surface);white-space:pre-wrap;overflow-wrap:anywhere}
code{font:.875em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
dl{display:grid;grid-template-columns:fit-content(18rem) minmax(0,1fr);gap:.3rem 1.25rem;margin:1rem 0}
dt{color:var(--muted)}
dd{grid-column:2;margin:0;overflow-wrap:anywhere}
footer{padding-block:2.5rem 3rem;color:var(--muted);font-size:.875rem}
#tip{position:absolute;z-index:3;max-width:18rem;padding:.3rem .6rem;border-radius:6px;background:var(--fg);color:var(--bg);font-size:.8125rem;line-height:1.35;pointer-events:none}
[data-tip]{cursor:default}
.skip{position:absolute;left:-99rem;z-index:4;padding:.4rem .8rem;background:var(--bg)}
.skip:focus{left:.5rem;top:.5rem}
main:focus{outline:none}
.modules{margin:1rem 0;padding:0;list-style:none;max-width:54rem}
.modules li{margin:.4rem 0}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
@media (max-width:960px){
.claims,.claims tbody,.wide,.wide tbody{display:block}
.claims thead,.wide thead{display:none}
.claims tr{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:.15rem .75rem;padding:.6rem 0;border-bottom:1px solid var(--grid)}
.claims .group{display:block;padding:0;border:0}
.claims td,.claims tbody th,.wide td,.wide tbody th{padding:0;border:0}
.claims tbody th,.claims td:nth-child(5){grid-column:1/-1}
.claims td:nth-child(4){grid-row:2;grid-column:2;text-align:right}
.wide tr{display:block;padding:.6rem 0;border-bottom:1px solid var(--grid)}
.wide td,.wide tbody th{display:block;padding:.1rem 0}
.wide td::before{content:attr(data-label);display:block;color:var(--muted);font-size:.8125rem}
.effects,.effects tbody{display:block}
.effects thead{display:block;position:sticky;top:2.55rem;z-index:1;background:var(--bg);border-bottom:1px solid var(--line-strong)}
.effects thead th{display:none;border:0;padding:0}
.effects thead tr{border:0;padding:.2rem 0;display:block}
.effects thead .axis{display:block}
.effects tr{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:.1rem .75rem;align-items:baseline;padding:.55rem 0;border-bottom:1px solid var(--grid)}
.effects .group{display:block;margin-top:1.25rem;padding:0;border:0}
.effects .group th{display:block;padding:.25rem 0}
.effects .group small{display:block;margin:0}
.effects tbody th,.effects td{padding:0}
.effects td:nth-child(5){grid-area:1/2;text-align:right}
.effects td:nth-child(3){text-align:right}
.number :is(b,.ends),.key{white-space:normal}
.effects .strip-cell{grid-column:1/-1}
.effects :is(.strip-cell,.axis){width:auto;min-width:0}
.agreement td.ends{max-width:11rem}
.effects .strip{width:100%;max-width:420px}
.ends{display:block}
.effects td:empty{display:none}
}
@media (max-width:480px){dl{grid-template-columns:minmax(0,1fr);gap:0}dd{grid-column:1;margin-bottom:.6rem}}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
@media print{:root{${LIGHT}}body{font-size:10.5pt}nav,summary,#tip,.skip,details:not(.paper){display:none}details::details-content{content-visibility:visible;block-size:auto}h2,h3{break-after:avoid}figure,.card,tr,.effects tbody{break-inside:avoid}header{padding-top:0}.scroll{overflow:visible}.data :is(th,td),.heat :is(th,td),.badge{white-space:normal}.data :is(tbody th,td.text){min-width:0!important}.figures{grid-template-columns:1fr 1fr}.good,.bad,.badge,.chips li,.heat td{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
`.trim()
