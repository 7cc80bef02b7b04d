// Package expr is the expressions of kinds of change: CEL over plain values, with
// functions that read JSON, put policies together and ask what they come to. What an
// expression gives is a plain value again, as JSON has it.
package expr

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
	"github.com/goccy/go-yaml/ast"

	"github.com/rootkeep/rootkeep/internal/rule"
)

// Expression is a CEL expression of a content file. The zero value is none.
type Expression struct {
	Source       string
	line, column int
	program      cel.Program
	Needs        []Reference // answers of calls that have to be made first
}

// New makes an expression of a text.
func New(source string) *Expression { return &Expression{Source: source, line: 1, column: 1} }

// UnmarshalYAML keeps where the expression stands.
func (e *Expression) UnmarshalYAML(node ast.Node) error {
	switch n := node.(type) {
	case *ast.StringNode:
		e.Source = n.Value
	case *ast.LiteralNode:
		e.Source = n.Value.Value
	default: // true, 5: CEL as well
		e.Source = node.String()
	}
	if at := node.GetToken(); at != nil && at.Position != nil {
		e.line, e.column = at.Position.Line, at.Position.Column
	}
	return nil
}

// None says that there is no expression.
func (e *Expression) None() bool { return e.Source == "" }

// Scope is what an expression may name. Each has what the one before has.
type Scope uint8

// The scopes.
const (
	Reading  Scope = iota // account, region, partition, management, role, change, planned, parameters, prior, item
	Keeping               // and got, what AWS answered
	Planning              // and wants, and answer(step, path)
	Checking              // and after, the state as it was read last
)

// costLimit bounds one expression, in CEL's cost units: what some seconds are enough for,
// and the policies of some thousand roles.
const costLimit = 4_000_000

// environments are made once, one for each scope.
var environments = sync.OnceValues(func() ([]*cel.Env, error) {
	variables := func(names ...string) []cel.EnvOption {
		var out []cel.EnvOption
		for _, n := range names {
			out = append(out, cel.Variable(n, cel.DynType))
		}
		return out
	}
	texts := func(names ...string) []cel.EnvOption {
		var out []cel.EnvOption
		for _, n := range names {
			out = append(out, cel.Variable(n, cel.StringType))
		}
		return out
	}
	first := slices.Concat(
		[]cel.EnvOption{ext.Strings(), ext.Bindings(), ext.Lists(), ext.Sets(), ext.Encoders(), ext.TwoVarComprehensions(), cel.OptionalTypes()},
		texts("account", "region", "partition", "management", "role", "change", "planned"), variables("parameters", "prior", "item"), documentFunctions(), policyFunctions(), templateFunctions(),
	)
	var out []*cel.Env
	var env *cel.Env
	var err error
	for i, more := range [][]cel.EnvOption{first, variables("got"), append(variables("wants", "answers"), answerFunctions()...), variables("after")} {
		if i == 0 {
			env, err = cel.NewEnv(more...)
		} else {
			env, err = env.Extend(more...)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, env)
	}
	return out, nil
})

// Compile checks the expression and makes it ready. An error names file, line and column.
func (e *Expression) Compile(file string, s Scope) error {
	if e.None() {
		return nil
	}
	envs, err := environments()
	if err != nil {
		return err
	}
	tree, issues := envs[s].Compile(e.Source)
	if issues.Err() != nil {
		return e.Wrong(file, issues.Err().Error())
	}
	e.Needs = answersIn(tree)
	e.program, err = envs[s].Program(tree, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(costLimit), cel.CostTracking(pricing{}))
	return err
}

// Wrong is an error at the place of the expression.
func (e *Expression) Wrong(file, why string) error {
	return &rule.Error{File: file, Line: e.line, Column: e.column, Msg: why}
}

// Values are what expressions name.
type Values map[string]any

// With gives the values and one more.
func (v Values) With(name string, value any) Values {
	out := Values{name: value}
	for k, x := range v {
		if k != name {
			out[k] = x
		}
	}
	return out
}

// Eval gives a plain value: nil, bool, int64, float64, string, []any, map[string]any.
func (e *Expression) Eval(v Values) (any, error) {
	out, _, err := e.program.Eval(map[string]any(v))
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", e.line, err)
	}
	p, err := plain(out)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", e.line, err)
	}
	return p, nil
}

// Text evaluates an expression that gives a text.
func (e *Expression) Text(v Values) (string, error) { return as[string](e, v, "a text") }

// Holds evaluates a condition; none holds.
func (e *Expression) Holds(v Values) (bool, error) {
	if e.None() {
		return true, nil
	}
	return as[bool](e, v, "true or false")
}

// Object evaluates an expression that gives a map; none is empty.
func (e *Expression) Object(v Values) (map[string]any, error) {
	if e.None() {
		return map[string]any{}, nil
	}
	return as[map[string]any](e, v, "a map")
}

// List evaluates an expression that gives a list.
func (e *Expression) List(v Values) ([]any, error) { return as[[]any](e, v, "a list") }

func as[T any](e *Expression, v Values, want string) (T, error) {
	out, err := e.Eval(v)
	t, ok := out.(T)
	if err == nil && !ok {
		err = fmt.Errorf("line %d: got %T, want %s", e.line, out, want)
	}
	return t, err
}

// celValue turns Go values into CEL's.
func celValue(v any) ref.Val { return types.DefaultTypeAdapter.NativeToValue(v) }

// Encode is JSON with the members of maps in order and nothing escaped for HTML.
func Encode(v any) ([]byte, error) {
	var out jsonText
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return out[:len(out)-1], nil
}

type jsonText []byte

func (t *jsonText) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	return len(p), nil
}

// Same says whether two plain values are the same: numbers by their value.
func Same(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k := range x {
			if v, there := y[k]; !there || !Same(x[k], v) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, Same)
	}
	if na, ok := a.(int64); ok {
		if nb, ok := b.(int64); ok { // exact: not every whole number has a float64
			return na == nb
		}
	}
	if fa, ok := number(a); ok {
		fb, ok := number(b)
		return ok && fa == fb
	}
	return reflect.DeepEqual(a, b)
}

func number(v any) (float64, bool) {
	switch x := v.(type) {
	case int64:
		return float64(x), true
	case float64:
		return x, true
	case int:
		return float64(x), true
	}
	return 0, false
}
