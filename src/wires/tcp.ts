export { RunTurns } from './tcp/run-turns.ts'
export { TcpWire } from './tcp/tcp-wire.ts'
