/**
 * Types and signatures as text that depends on nothing but what they are: without the paths of
 * files, with the members of unions and object types sorted, as their order is that of checking.
 */
import ts from 'typescript';

const { NodeBuilderFlags, SyntaxKind, factory } = ts;
const FLAGS =
  NodeBuilderFlags.NoTruncation |
  NodeBuilderFlags.UseAliasDefinedOutsideCurrentScope |
  NodeBuilderFlags.IgnoreErrors;
const printer = ts.createPrinter({ removeComments: true });
const noFile = ts.createSourceFile('surface.ts', '', ts.ScriptTarget.ES2022);

function print(node: ts.Node): string {
  return printer.printNode(ts.EmitHint.Unspecified, node, noFile).replace(/\s+/g, ' ');
}

function sorted<T extends ts.Node>(nodes: readonly T[]): T[] {
  const texts = new Map(nodes.map((node) => [node, print(node)]));
  return [...nodes].sort((a, b) => (texts.get(a)! < texts.get(b)! ? -1 : 1));
}

/** Without `undefined`, which an optional member takes anyway. */
function withoutUndefined(node: ts.TypeNode): ts.TypeNode {
  if (!ts.isUnionTypeNode(node)) return node;
  const types = node.types.filter(({ kind }) => kind !== SyntaxKind.UndefinedKeyword);
  return types.length === 1 ? types[0]! : factory.createUnionTypeNode(types);
}

export class TypeText {
  private readonly abbreviations = new Map<string, string>();

  /** @param onName Called with every symbol that a text names. */
  constructor(
    private readonly checker: ts.TypeChecker,
    private readonly onName: (symbol: ts.Symbol) => void,
  ) {}

  /** Lets a name stand for an object type that TypeScript writes out, as for what zod infers. */
  abbreviate(type: ts.Type, name: string): void {
    const text = print(this.node(type, NodeBuilderFlags.None));
    if (text.startsWith('{')) this.abbreviations.set(text, name);
  }

  private short(text: string): string {
    for (const [long, name] of this.abbreviations) text = text.replaceAll(long, name);
    return text;
  }

  ofType(type: ts.Type, { optional = false } = {}): string {
    const node = this.node(type, NodeBuilderFlags.None);
    return this.short(print(optional ? withoutUndefined(node) : node));
  }

  /** Of what an alias stands for, each member of a union by itself. */
  ofAlias(type: ts.Type): string[] {
    const node = this.node(type, NodeBuilderFlags.InTypeAlias);
    const texts = ts.isUnionTypeNode(node) ? node.types.map(print) : [print(node)];
    return texts.map((text) => this.short(text));
  }

  /** `(x: number): string`; of a constructor only what it takes. */
  ofSignature(signature: ts.Signature, { constructs = false } = {}): string {
    const kind = SyntaxKind.MethodSignature;
    const node = this.checker.signatureToSignatureDeclaration(signature, kind, undefined, FLAGS);
    if (!node) throw new Error('TypeScript must write every signature, but wrote none');
    const { typeParameters, parameters, type } = this.normal(node);
    const result = constructs ? undefined : type;
    const nameless = factory.createMethodSignature(
      undefined,
      '',
      undefined,
      typeParameters,
      parameters as ts.NodeArray<ts.ParameterDeclaration>,
      result,
    );
    return this.short(print(nameless).replace(/;$/, ''));
  }

  private node(type: ts.Type, flags: ts.NodeBuilderFlags): ts.TypeNode {
    const node = this.checker.typeToTypeNode(type, undefined, FLAGS | flags);
    if (!node) throw new Error('TypeScript must write every type, but wrote none');
    return this.normal(node);
  }

  private normal<T extends ts.Node>(root: T): T {
    const visit = (node: ts.Node): ts.Node => {
      const { symbol } = node as ts.Node & { symbol?: ts.Symbol };
      if (ts.isIdentifier(node) && symbol) this.onName(symbol);
      if (ts.isImportTypeNode(node) && node.qualifier && !node.isTypeOf) {
        visit(node.qualifier);
        return visit(factory.createTypeReferenceNode(node.qualifier, node.typeArguments));
      }
      const seen = ts.visitEachChild(node, visit, undefined);
      if (ts.isUnionTypeNode(seen)) return factory.createUnionTypeNode(sorted(seen.types));
      if (ts.isTypeLiteralNode(seen)) {
        return factory.createTypeLiteralNode(sorted(seen.members));
      }
      if (ts.isParameter(seen)) {
        const name = ts.isIdentifier(seen.name) ? seen.name : 'options'; // a pattern's names are its own
        const { dotDotDotToken, questionToken } = seen;
        const type = questionToken && seen.type ? withoutUndefined(seen.type) : seen.type;
        return factory.createParameterDeclaration([], dotDotDotToken, name, questionToken, type);
      }
      if (ts.isPropertySignature(seen) && seen.questionToken && seen.type) {
        const { modifiers, name, questionToken, type } = seen;
        const stripped = withoutUndefined(type);
        return factory.createPropertySignature(modifiers, name, questionToken, stripped);
      }
      return seen;
    };
    return visit(root) as T;
  }
}
