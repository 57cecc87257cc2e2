import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

/** A row: its subject, and a number for each column. */
export type TableRow<Column extends string> = Readonly<Record<Column, number>> & { readonly what: string };

/** A table of measurements in a document, between `<!-- name -->` and `<!-- /name -->`. */
export interface DocumentTable<Column extends string> {
  /**
   * Fails when a row is missing, or a cell exceeds the document's. With the environment variable UPDATE_TABLES it writes the
   * document instead.
   * @param slackOf How far a cell may exceed the document's. Default: 0.
   */
  hold(rows: readonly TableRow<Column>[], slackOf?: (row: TableRow<Column>, column: Column) => number): void;
}

/**
 * @param path From the root of the repository.
 * @param what The head of the first column.
 * @param heads The heads of the other columns, by column name.
 */
export function documentTable<Column extends string>(
  path: string,
  name: string,
  what: string,
  heads: Readonly<Record<Column, string>>,
): DocumentTable<Column> {
  const file = join(import.meta.dirname, '../..', path);
  const [begin, end] = [`<!-- ${name} -->\n`, `<!-- /${name} -->`];
  const columns = Object.keys(heads) as Column[];

  const toMarkdown = (rows: readonly TableRow<Column>[]) =>
    [
      `| ${[what, ...columns.map((column) => heads[column])].join(' | ')} |`,
      `|---|${'---:|'.repeat(columns.length)}`,
      ...rows.map((row) => `| ${[row.what, ...columns.map((column) => row[column])].join(' | ')} |`),
      '',
    ].join('\n');

  function toRows(markdown: string): ReadonlyMap<string, readonly number[]> {
    const lines = markdown.split('\n').slice(2, -1);
    return new Map(
      lines.map((line) => {
        const [head = '', ...cells] = line.split('|').slice(1, -1);
        return [head.trim(), cells.map(Number)];
      }),
    );
  }

  return {
    hold(rows, slackOf = () => 0) {
      const [head, ...rest] = readFileSync(file, 'utf8').split(begin);
      const [table = '', ...tail] = rest.join(begin).split(end);
      expect(tail, `${path} has the table "${name}"`).toHaveLength(1);
      if (process.env['UPDATE_TABLES']) {
        writeFileSync(file, `${head}${begin}${toMarkdown(rows)}${end}${tail[0]}`);
        return;
      }
      const known = toRows(table);
      expect([...known.keys()]).toEqual(rows.map((row) => row.what));
      const grown = rows.flatMap((row) =>
        columns.flatMap((column, index) => {
          const before = known.get(row.what)?.[index] ?? 0;
          return row[column] > before + slackOf(row, column)
            ? [`${row.what}: ${column} ${before} → ${row[column]}`]
            : [];
        }),
      );
      expect(grown, 'cells that grew').toEqual([]);
    },
  };
}
