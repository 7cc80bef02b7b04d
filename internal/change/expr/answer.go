package expr

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Reference is a part of what a step was answered, such as KeyMetadata.Arn of key.
type Reference struct{ Step, Path string }

// Answered is the part of an answer that the kind's expressions name.
type Answered struct {
	Item  any            `json:"item"`
	Parts map[string]any `json:"parts"` // by path
}

// Answers are what steps were answered so far, by the ID of the step: one for each of
// its items. Before they are made, nil.
type Answers map[string][]Answered

const answerOf = "answer_of"

// answerFunctions are answer(step, path): what the step was answered, of a step that is
// called for several items what it was answered for this one. In a plan it is a text
// that says what will stand there, such as <KeyMetadata.Arn of key>.
func answerFunctions() []cel.EnvOption {
	macro := cel.GlobalMacro("answer", 2, func(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
		for _, a := range args {
			if _, ok := constant(a); !ok {
				return nil, f.NewError(a.ID(), "answer(step, path): want two texts in quotation marks")
			}
		}
		return f.NewCall(answerOf, f.NewIdent("answers"), f.NewIdent("item"), args[0], args[1]), nil
	})
	dyn := cel.DynType
	return []cel.EnvOption{cel.Macros(macro), cel.Function(answerOf, cel.Overload(answerOf, []*cel.Type{dyn, dyn, cel.StringType, cel.StringType}, dyn, cel.FunctionBinding(
		func(args ...ref.Val) ref.Val {
			all, ok := args[0].Value().(Answers)
			if !ok {
				return types.NewErr("answer: there are no answers here")
			}
			item, err := plain(args[1])
			if err != nil {
				return types.WrapErr(err)
			}
			v, err := all.find(Reference{string(args[2].(types.String)), string(args[3].(types.String))}, item)
			if err != nil {
				return types.WrapErr(err)
			}
			return celValue(v)
		})))}
}

func constant(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

// answersIn lists what an expression needs.
func answersIn(tree *cel.Ast) []Reference {
	var out []Reference
	for _, n := range ast.MatchDescendants(ast.NavigateAST(tree.NativeRep()), ast.FunctionMatcher(answerOf)) {
		args := n.AsCall().Args()
		step, _ := constant(args[2])
		path, _ := constant(args[3])
		out = append(out, Reference{step, path})
	}
	return out
}

func (r Reference) String() string { return fmt.Sprintf("<%s of %s>", r.Path, r.Step) }

func (a Answers) find(r Reference, item any) (any, error) {
	if a == nil {
		return r.String(), nil
	}
	list := a[r.Step]
	// What was answered for one item is not what another item gets.
	if len(list) > 1 || len(list) == 1 && list[0].Item != nil && item != nil {
		list = slices.DeleteFunc(slices.Clone(list), func(x Answered) bool { return !Same(x.Item, item) })
	}
	if len(list) != 1 {
		return nil, fmt.Errorf("step %s has no answer", r.Step)
	}
	v, ok := list[0].Parts[r.Path]
	if !ok {
		return nil, fmt.Errorf("the answer of step %s has no %s", r.Step, r.Path)
	}
	return v, nil
}

// Fill says whether now is what was planned, a plain value, with nothing changed but the
// places of the references: their texts, such as <KeyMetadata.Arn of key>, whole or within
// another text, also within JSON.
func (a Answers) Fill(refs []Reference, item, planned, now any) bool {
	var raw, quoted []string
	whole := map[string]any{}
	for _, r := range refs {
		v, err := a.find(r, item)
		if err != nil {
			continue // the expression had no need of it: what it would have named was there before
		}
		text, err := Encode(v)
		if err != nil {
			return false
		}
		inner := strings.TrimSuffix(strings.TrimPrefix(string(text), `"`), `"`)
		if s, ok := v.(string); ok {
			raw = append(raw, r.String(), s)
		} else {
			raw = append(raw, r.String(), inner)
		}
		quoted = append(quoted, r.String(), inner)
		whole[r.String()] = v
	}
	f := filling{whole, strings.NewReplacer(raw...), strings.NewReplacer(quoted...)}
	return f.is(planned, now)
}

// filling is what takes the places of references.
type filling struct {
	whole       map[string]any
	raw, quoted *strings.Replacer
}

func (f *filling) is(planned, now any) bool {
	switch x := planned.(type) {
	case map[string]any:
		y, ok := now.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k := range x {
			if v, there := y[k]; !there || !f.is(x[k], v) {
				return false
			}
		}
		return true
	case []any:
		y, ok := now.([]any)
		return ok && slices.EqualFunc(x, y, f.is)
	case string:
		if v, ok := f.whole[x]; ok && Same(v, now) {
			return true
		}
		return now == any(x) || now == any(f.raw.Replace(x)) || now == any(f.quoted.Replace(x))
	}
	return Same(planned, now)
}

// Part is what stands at a path of an answer: names and numbers of list elements joined
// by dots. It is nil where nothing does.
func Part(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}
