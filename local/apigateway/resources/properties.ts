import type { Resource } from '../../service.ts';

/** Reads a resource's properties. Every refusal names the resource, the property, what it was and what it may be. */
export interface Properties {
  requiredString(name: string): string;
  string(name: string): string | undefined;
  number(name: string): number | undefined;
  boolean(name: string): boolean | undefined;
  strings(name: string): readonly string[];
  record(name: string): Readonly<Record<string, unknown>>;
  /** One of `values`, the first being the default. */
  oneOf<T extends string>(name: string, values: readonly [T, ...T[]]): T;
  /** @throws always. */
  refuse(name: string, problem: string): never;
}

export function readProperties(resource: Resource): Properties {
  const { properties } = resource;
  const refuse = (name: string, problem: string): never => {
    throw new Error(`${resource.logicalId} (${resource.type}): ${name} ${problem}`);
  };
  const mismatch = (name: string, expected: string): never =>
    refuse(name, `must be ${expected}, got ${JSON.stringify(properties[name])}`);
  const string = (name: string): string | undefined => {
    const value = properties[name];
    return value === undefined || typeof value === 'string' ? value : mismatch(name, 'a string');
  };
  return {
    refuse,
    string,
    requiredString: (name) => string(name) ?? refuse(name, 'is required'),
    number: (name) => {
      const value = properties[name];
      if (value === undefined) return undefined;
      // CloudFormation accepts numbers and booleans as text.
      const number = typeof value === 'string' && value !== '' ? Number(value) : value;
      return typeof number === 'number' && Number.isFinite(number) ? number : mismatch(name, 'a number');
    },
    boolean: (name) => {
      const value = properties[name];
      if (value === undefined || typeof value === 'boolean') return value;
      return value === 'true' || value === 'false' ? value === 'true' : mismatch(name, 'a boolean');
    },
    strings: (name) => {
      const value = properties[name] ?? [];
      const isList = Array.isArray(value) && value.every((item) => typeof item === 'string');
      return isList ? value : mismatch(name, 'a list of strings');
    },
    record: (name) => {
      const value = properties[name] ?? {};
      const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
      return isRecord ? { ...value } : mismatch(name, 'an object');
    },
    oneOf: (name, values) => {
      const value = string(name) ?? values[0];
      return (
        values.find((allowed) => allowed === value) ??
        refuse(name, `${value} is not supported; expected ${values.join(' or ')}`)
      );
    },
  };
}
