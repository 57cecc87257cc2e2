import type * as v from 'valibot';

type Lazy = v.LazySchema<v.GenericSchema>;

export function isLazy(schema: v.GenericSchema): schema is Lazy {
  return schema.type === 'lazy';
}

/** Lists the schemas that a lazy one may choose. It looks for keys in its input, so each input has one of the keys. */
export function branchesOf({ getter }: Lazy): readonly v.GenericSchema[] {
  const asked = new Set<PropertyKey>();
  const choose = (present?: PropertyKey) =>
    getter(
      new Proxy(
        {},
        {
          getOwnPropertyDescriptor: (_, key) => {
            asked.add(key);
            return key === present ? { value: true, configurable: true, enumerable: true } : undefined;
          },
        },
      ),
    );
  const otherwise = choose();
  return [otherwise, ...[...asked].map((key) => choose(key))];
}
