/** The time of the cloud's clock at a moment of the machine's clock, both in epoch milliseconds. */
export interface CloudTime {
  readonly timeScale: number;
  readonly cloudMs: number;
  readonly machineMs: number;
}

/**
 * Makes `Date` return the cloud's time, which may run faster than the machine's: handlers compute expiry times from it.
 * Timers do not change, because a handler computes at the speed of the machine.
 */
export function followCloudTime({ timeScale, cloudMs, machineMs }: CloudTime): void {
  if (timeScale === 1 && cloudMs === machineMs) return;
  const machineNow = Date.now;
  const now = () => Math.floor(cloudMs + (machineNow() - machineMs) * timeScale);
  const MachineDate = Date;
  const CloudDate = new Proxy(MachineDate, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new MachineDate(now()).toString(),
  });
  MachineDate.now = now;
  MachineDate.prototype.constructor = CloudDate;
  globalThis.Date = CloudDate;
}
