/**
 * What every entry of the package exports, as TypeScript sees it: a line for each name and each
 * public member, independent of the files in which things lie, of their order, and of bases and
 * other types that only our own code knows.
 *
 * Left out: private and protected members; those marked `@internal`, which are for this package's
 * own rooms; and what a class overrides of TensorFlow.js's, which is TensorFlow.js's contract.
 * What an exported declaration names and no entry exports is listed under `types`.
 */
import { join, relative } from 'node:path';
import ts from 'typescript';
import type { Lines } from './_lines';
import { TypeText } from './_type_text';

const { ModifierFlags, SymbolFlags, TypeFlags } = ts;

/** Each entry's lines by its name, `.` being index, and under `types` those of what they name besides. */
export function declarations(root: string, entries: readonly string[]): Map<string, Lines> {
  return new Surface(root, entries).lines();
}

class Surface {
  private readonly program: ts.Program;
  private readonly checker: ts.TypeChecker;
  private readonly text: TypeText;
  /** Symbols of ours that a declaration names, and those that have their lines. */
  private readonly named = new Set<ts.Symbol>();
  private readonly listed = new Set<ts.Symbol>();

  constructor(
    private readonly root: string,
    private readonly entries: readonly string[],
  ) {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
    this.program = ts.createProgram(entries.map(this.fileOf), options);
    this.checker = this.program.getTypeChecker();
    this.text = new TypeText(this.checker, (symbol) => this.name(symbol));
  }

  lines(): Map<string, Lines> {
    const modules = this.entries.map((entry) => {
      const source = this.program.getSourceFile(this.fileOf(entry));
      const module = source && this.checker.getSymbolAtLocation(source);
      if (!module) throw new Error(`${this.fileOf(entry)} must be a module, but is not`);
      return module;
    });
    for (const module of modules) {
      for (const exported of this.checker.getExportsOfModule(module)) {
        const symbol = this.resolved(exported);
        if (!(symbol.flags & SymbolFlags.TypeAlias)) continue;
        this.text.abbreviate(this.checker.getDeclaredTypeOfSymbol(symbol), exported.name);
      }
    }
    const files = new Map<string, Lines>();
    modules.forEach((module, i) => {
      const entry = this.entries[i]!;
      const lines: Lines = new Map();
      this.exportsOf(module, '', lines);
      files.set(entry === '.' ? 'index' : entry.slice(2), lines);
    });
    files.set('types', this.namedBesides());
    return files;
  }

  private readonly fileOf = (entry: string) => join(this.root, entry, 'index.ts');

  private exportsOf(module: ts.Symbol, prefix: string, lines: Lines): void {
    for (const exported of this.checker.getExportsOfModule(module)) {
      const symbol = this.resolved(exported);
      const key = prefix + exported.name;
      if (symbol.flags & SymbolFlags.ValueModule) this.exportsOf(symbol, `${key}.`, lines);
      else this.declare(symbol, key, lines);
    }
  }

  /** These may name more; equal names are numbered. */
  private namedBesides(): Lines {
    const lines: Lines = new Map();
    const order = (symbol: ts.Symbol) => `${symbol.name} ${this.placeOf(symbol)}`;
    for (;;) {
      const pending = [...this.named].filter((symbol) => !this.listed.has(symbol));
      if (pending.length === 0) return lines;
      for (const symbol of pending.sort((a, b) => (order(a) < order(b) ? -1 : 1))) {
        let key = symbol.name;
        for (let n = 2; lines.has(key); n++) key = `${symbol.name}~${n}`;
        this.declare(symbol, key, lines);
      }
    }
  }

  private declare(symbol: ts.Symbol, key: string, lines: Lines): void {
    this.listed.add(symbol);
    const { flags } = symbol;
    if (flags & SymbolFlags.Class) this.declareClass(symbol, key, lines);
    else if (flags & (SymbolFlags.Interface | SymbolFlags.TypeAlias)) {
      this.declareType(symbol, key, lines);
    }
    if (flags & (SymbolFlags.Function | SymbolFlags.Variable)) {
      const type = this.checker.getTypeOfSymbol(symbol);
      if (type.getCallSignatures().length > 0) this.signatures(type, key, '', lines);
      else if (this.isWrittenOut(type)) this.members(type, key, lines);
      lines.set(
        key,
        type.getCallSignatures().length > 0 ? 'function' : `const ${this.constant(type)}`,
      );
    }
    if (!lines.has(key))
      throw new Error(`${key} must be declared, but TypeScript knows no more of it`);
  }

  private constant(type: ts.Type): string {
    return this.isWrittenOut(type) ? 'object' : this.text.ofType(type);
  }

  private declareClass(symbol: ts.Symbol, key: string, lines: Lines): void {
    const instance = this.checker.getDeclaredTypeOfSymbol(symbol);
    const made = this.checker.getTypeOfSymbol(symbol);
    const abstract = this.has(symbol, ModifierFlags.Abstract) ? 'abstract ' : '';
    const base = this.externalBase(instance);
    const from = base ? ` extends ${this.text.ofType(base)}` : '';
    lines.set(key, `${abstract}class${this.typeParameters(symbol)}${from}`);
    const own = made
      .getConstructSignatures()
      .filter(({ declaration }) => declaration && this.isOurs(declaration));
    own.forEach((signature, i) => {
      const text = this.text.ofSignature(signature, { constructs: true });
      lines.set(`${key}.constructor()${own.length > 1 ? `~${i + 1}` : ''}`, text);
    });
    const overridden = (of: ts.Type | undefined) => new Set(of?.getProperties().map((p) => p.name));
    const statics = base?.symbol && this.checker.getTypeOfSymbol(base.symbol);
    this.members(instance, key, lines, overridden(base));
    this.properties(made, `${key}.static `, lines, overridden(statics).add('prototype'));
  }

  /** Interfaces and aliases of object types are one kind; a union has a line for each member. */
  private declareType(symbol: ts.Symbol, key: string, lines: Lines): void {
    const type = this.checker.getDeclaredTypeOfSymbol(symbol);
    const parameters = this.typeParameters(symbol);
    if (type.isUnion()) {
      lines.set(key, `type${parameters}`);
      for (const member of this.text.ofAlias(type)) lines.set(`${key} | ${member}`, '');
    } else if (this.isWrittenOut(type) || type.isClassOrInterface()) {
      const foreign = type.getProperties().filter((property) => !this.isOurs(property));
      const owners = new Set(foreign.map((p) => this.ownerOf(p)).sort());
      const from = owners.size > 0 ? ` extends ${[...owners].join(', ')}` : '';
      lines.set(key, `type${parameters}${from}`);
      this.members(type, key, lines);
    } else lines.set(key, `type${parameters} = ${this.text.ofAlias(type)[0]}`);
  }

  /** Whether our code wrote out a type's members, or some of them. */
  private isWrittenOut(type: ts.Type): boolean {
    return (
      (type.flags & (TypeFlags.Object | TypeFlags.Intersection)) !== 0 &&
      type.getCallSignatures().length === 0 &&
      !this.checker.isArrayLikeType(type) &&
      type.getProperties().some((property) => this.isOurs(property))
    );
  }

  private members(type: ts.Type, key: string, lines: Lines, except?: Set<string>): void {
    this.properties(type, `${key}.`, lines, except);
    this.signatures(type, `${key}.call`, '', lines);
    for (const { keyType, type: value } of this.checker.getIndexInfosOfType(type)) {
      lines.set(`${key}[${this.text.ofType(keyType)}]`, this.text.ofType(value));
    }
  }

  private properties(owner: ts.Type, prefix: string, lines: Lines, except?: Set<string>): void {
    for (const property of owner.getProperties()) {
      if (!this.isOurs(property) || this.isHidden(property) || except?.has(property.name)) continue;
      const type = this.checker.getTypeOfSymbol(property);
      const optional = (property.flags & SymbolFlags.Optional) !== 0;
      const head = `${optional ? 'optional ' : ''}${this.isReadonly(property) ? 'readonly ' : ''}`;
      const key = prefix + property.name;
      if (property.flags & SymbolFlags.Method) {
        const method = optional ? this.checker.getNonNullableType(type) : type;
        this.signatures(method, key, head, lines);
      } else lines.set(key, head + this.text.ofType(type, { optional }));
    }
  }

  private signatures(type: ts.Type, key: string, head: string, lines: Lines): void {
    const overloads = type.getCallSignatures();
    overloads.forEach((signature, i) => {
      const number = overloads.length > 1 ? `~${i + 1}` : '';
      lines.set(`${key}()${number}`, head + this.text.ofSignature(signature));
    });
  }

  private name(of: ts.Symbol): void {
    const symbol = this.resolved(of);
    const kinds = SymbolFlags.Class | SymbolFlags.Interface | SymbolFlags.TypeAlias;
    if (symbol.flags & kinds && this.isOurs(symbol)) this.named.add(symbol);
  }

  private typeParameters(symbol: ts.Symbol): string {
    const lists = (symbol.declarations ?? []).map((declaration) =>
      ts.getEffectiveTypeParameterDeclarations(declaration as ts.DeclarationWithTypeParameters),
    );
    const texts = lists.find(({ length }) => length > 0)?.map((parameter) => parameter.getText());
    return texts ? `<${texts.join(', ')}>` : '';
  }

  /** The nearest class, not of ours, that one extends. */
  private externalBase(type: ts.Type): ts.Type | undefined {
    const [base] = type.isClassOrInterface() ? this.checker.getBaseTypes(type) : [];
    return base?.symbol && this.isOurs(base.symbol) ? this.externalBase(base) : base;
  }

  private ownerOf(property: ts.Symbol): string {
    const parent = property.declarations?.[0]?.parent;
    return parent && ts.isInterfaceDeclaration(parent) ? parent.name.text : 'other types';
  }

  private isHidden(property: ts.Symbol): boolean {
    const declared = property.declarations ?? [];
    return (
      property.name.startsWith('__#') ||
      this.has(property, ModifierFlags.Private | ModifierFlags.Protected) ||
      declared.some((d) => ts.getJSDocTags(d).some(({ tagName }) => tagName.text === 'internal'))
    );
  }

  private isReadonly({ flags, ...symbol }: ts.Symbol): boolean {
    const { GetAccessor, SetAccessor } = SymbolFlags;
    if (flags & GetAccessor && !(flags & SetAccessor)) return true;
    return this.has(symbol, ModifierFlags.Readonly);
  }

  private has({ declarations = [] }: Pick<ts.Symbol, 'declarations'>, modifiers: number): boolean {
    return declarations.some((d) => (ts.getCombinedModifierFlags(d) & modifiers) !== 0);
  }

  private isOurs(of: ts.Symbol | ts.Node): boolean {
    const place = this.placeOf(of);
    return place !== '' && !place.startsWith('..') && !place.includes('node_modules');
  }

  private placeOf(of: ts.Symbol | ts.Node): string {
    const node = 'kind' in of ? of : of.declarations?.[0];
    return node ? relative(this.root, node.getSourceFile().fileName) : '';
  }

  private resolved(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol;
  }
}
