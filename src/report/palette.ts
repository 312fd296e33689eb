import type { Arm } from '../experiment/definition.ts'

/** How an arm looks in every chart and legend: never told by colour alone. */
export interface ArmStyle {
  /** A CSS variable, so that one SVG serves light and dark. */
  readonly colour: string
  /** As vega takes it: the name of a symbol, or a path between -1 and 1. */
  readonly symbol: string
  /** The same as an SVG path between -1 and 1, for legends. */
  readonly path: string
}

type Shape = Pick<ArmStyle, 'symbol' | 'path'>

// All full: open marks are those of other wires, and a saltire is a failure.
const SHAPES: readonly Shape[] = [
  { symbol: 'circle', path: 'M0-.9a.9.9 0 1 0 .01 0z' },
  { symbol: 'square', path: 'M-.8-.8h1.6v1.6h-1.6z' },
  { symbol: 'triangle-up', path: 'M0-1L1 .8H-1z' },
  { symbol: 'diamond', path: 'M0-1.1L.9 0L0 1.1L-.9 0z' },
  { symbol: 'cross', path: 'M-.3-1h.6v.7h.7v.6h-.7v.7h-.6v-.7h-.7v-.6h.7z' },
  { symbol: 'triangle-down', path: 'M0 1L1-.8H-1z' },
  { symbol: 'triangle-right', path: 'M1 0L-.8 1V-1z' },
  { symbol: 'triangle-left', path: 'M-1 0L.8 1V-1z' },
  ...[
    'M-1,-1L1,-1L-1,1L1,1Z', // hourglass
    'M-1,-1L-1,1L1,-1L1,1Z', // bow tie
    'M0.00,-1.15L0.28,-0.39L1.09,-0.36L0.46,0.15L0.68,0.93L0.00,0.48L-0.68,0.93L-0.46,0.15L-1.09,-0.36L-0.28,-0.39Z', // star
    'M-0.4,-1.1L0.4,-1.1L0.4,1.1L-0.4,1.1Z', // tall bar
    'M-1.1,-0.4L1.1,-0.4L1.1,0.4L-1.1,0.4Z', // wide bar
    'M0,-1L1,0.1L1,1L0,-0.1L-1,1L-1,0.1Z', // chevron up
    'M0,1L1,-0.1L1,-1L0,0.1L-1,-1L-1,-0.1Z', // chevron down
    'M-0.9,-0.9L0.9,0.9L-0.9,0.9Z' // corner
  ].map((path) => ({ symbol: path, path }))
]

// The first six after Okabe and Ito (2008): told apart with any common colour blindness. The first, for the baseline, is a quiet slate.
const LIGHT = ['#5b6472', '#b8560b', '#0067a8', '#007a55', '#a4377f', '#8a6d00', '#5547c4', '#8f3d2e']
const DARK = ['#a3adba', '#f0954a', '#5cb8f2', '#36c795', '#e78ac3', '#e3c341', '#a99df5', '#e09a88']

/**
 * Styles by arm name. The baseline's is the first, the others follow in the experiment's order. Up to 16 arms each has a
 * shape of its own; beyond, shapes come again in other colours.
 */
export function armStyles (arms: readonly Arm[], baseline: string): Map<string, ArmStyle> {
  const ordered = [...arms].sort((a, b) => Number(b.name === baseline) - Number(a.name === baseline))
  return new Map(ordered.map(({ name }, index) => [name, { colour: `var(--arm-${index === 0 ? 0 : 1 + (index - 1) % (LIGHT.length - 1)})`, ...SHAPES[index % SHAPES.length] }]))
}

/** Declarations of the CSS variables. */
export const lightArmVariables = variables(LIGHT)
export const darkArmVariables = variables(DARK)

function variables (colours: readonly string[]): string {
  return colours.map((colour, index) => `--arm-${index}:${colour}`).join(';')
}
