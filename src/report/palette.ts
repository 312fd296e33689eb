import type { Arm } from '../experiment/definition.ts'

/** How an arm looks in every chart and legend: never told by colour alone. */
export interface ArmStyle {
  /** A CSS variable, so that one SVG serves light and dark. */
  readonly colour: string
  /** A vega symbol. */
  readonly shape: typeof SHAPES[number]
}

const SHAPES = ['circle', 'square', 'triangle-up', 'diamond', 'cross', 'triangle-down', 'triangle-right', 'triangle-left'] as const

// The first six after Okabe and Ito (2008): told apart with any common colour blindness. The first, for the baseline, is a quiet slate.
const LIGHT = ['#5b6472', '#b8560b', '#0067a8', '#007a55', '#a4377f', '#8a6d00', '#5547c4', '#8f3d2e']
const DARK = ['#a3adba', '#f0954a', '#5cb8f2', '#36c795', '#e78ac3', '#e3c341', '#a99df5', '#e09a88']

/** Styles by arm name. The baseline's is the first, the others follow in the experiment's order. */
export function armStyles (arms: readonly Arm[], baseline: string): Map<string, ArmStyle> {
  const ordered = [...arms].sort((a, b) => Number(b.name === baseline) - Number(a.name === baseline))
  return new Map(ordered.map(({ name }, index) => [name, { colour: `var(--arm-${index % LIGHT.length})`, shape: SHAPES[index % SHAPES.length] }]))
}

/** Declarations of the CSS variables. */
export const lightArmVariables = variables(LIGHT)
export const darkArmVariables = variables(DARK)

function variables (colours: readonly string[]): string {
  return colours.map((colour, index) => `--arm-${index}:${colour}`).join(';')
}
