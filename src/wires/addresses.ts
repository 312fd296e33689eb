/** The port that hosts of a scenario listen at, where a wire can choose it. */
export const LISTENING_PORT = 4001

/** The network that the addresses of all hosts are in. */
export const ALL_HOSTS = '10.0.0.0/8'

/** The network of the host of this index alone: `10.0.3.0/24`. */
export function subnetOf (host: number): string {
  return `${prefixOf(host)}.0/24`
}

/** A host's address, by its index and the address's position: `10.0.3.1` is the first of the fourth host. */
export function ipOf (host: number, position: number): string {
  return `${prefixOf(host)}.${position + 1}`
}

/** `/ip4/10.0.3.1/tcp/4001` */
export function multiaddrOf (ip: string): string {
  return `/ip4/${ip}/tcp/${LISTENING_PORT}`
}

function prefixOf (host: number): string {
  return `10.${host >> 8}.${host & 255}`
}
