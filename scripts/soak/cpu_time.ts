/** The milliseconds that this process has computed: unlike a clock, not those that other work took. */
export function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
