/**
 * Lets `Date` tell the cloud's time, which may run faster than the machine's: handlers compute expiry times from it.
 * Timers stay as they are, since a handler computes at the speed of the machine.
 */
export function followCloudTime(cloudTime: { readonly timeScale: number; readonly nowMs: number }): void {
  if (cloudTime.timeScale === 1) return;
  const machineNow = Date.now;
  const startedAt = machineNow();
  const now = () => Math.floor(cloudTime.nowMs + (machineNow() - startedAt) * cloudTime.timeScale);
  const MachineDate = Date;
  const CloudDate = new Proxy(MachineDate, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new MachineDate(now()).toString(),
  });
  MachineDate.now = now;
  MachineDate.prototype.constructor = CloudDate;
  globalThis.Date = CloudDate;
}
