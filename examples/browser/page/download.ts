/** Files that the page makes and the browser saves. */

export function download(file: File): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Rows as CSV (RFC 4180). */
export function csvFile(name: string, rows: readonly (readonly (string | number)[])[]): File {
  const cell = (value: string | number) =>
    /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
  const text = rows.map((row) => `${row.map(cell).join(',')}\n`).join('');
  return new File([text], name, { type: 'text/csv' });
}

export async function pngFile(name: string, canvas: HTMLCanvasElement): Promise<File> {
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve));
  if (!blob) throw new Error('The picture must have a size to be saved, but has none');
  return new File([blob], name, { type: 'image/png' });
}
