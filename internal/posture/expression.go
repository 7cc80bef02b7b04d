package posture

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
	"github.com/goccy/go-yaml/ast"

	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// collections are the lists of facts whose elements are judged one by one, by the name
// in a control's each; the empty name is the account itself.
var collections = func() map[string]facts.List {
	out := map[string]facts.List{"": {}}
	for _, l := range facts.Lists() {
		if l.Each != "" {
			out[l.Name] = l
		}
	}
	return out
}()

// costLimit bounds one expression of a user's control, in CEL's cost units: some
// hundred thousand list elements looked at.
const costLimit = 1_000_000

// readParams turns YAML values into CEL values: 90d is a duration.
func readParams(in map[string]any) (map[string]any, error) {
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		switch v := in[name].(type) {
		case uint64:
			out[name] = int64(v)
		case int64, float64, bool:
			out[name] = v
		case string:
			out[name] = v
			if d, err := rule.ParseDuration(v); err == nil {
				out[name] = time.Duration(d)
			}
		case []any:
			list := make([]string, len(v))
			for i, item := range v {
				text, ok := item.(string)
				if !ok {
					return nil, fmt.Errorf("param %s: item %v, want a text", name, item)
				}
				list[i] = text
			}
			out[name] = list
		default:
			return nil, fmt.Errorf("param %s: want a number, a text, a duration such as 90d, or a list of texts", name)
		}
	}
	return out, nil
}

// typeOf is the CEL type of a parameter.
func typeOf(v any) *cel.Type {
	switch v.(type) {
	case int64:
		return cel.IntType
	case float64:
		return cel.DoubleType
	case bool:
		return cel.BoolType
	case time.Duration:
		return cel.DurationType
	case []string:
		return cel.ListType(cel.StringType)
	}
	return cel.StringType
}

// environment is what the expressions of a control may name: facts, now, the element
// of each, its parameters, and the function never(time).
func (c *Control) environment() (*cel.Env, error) {
	options := []cel.EnvOption{
		ext.NativeTypes(ext.ParseStructTag("json"), reflect.TypeFor[facts.Facts]()),
		cel.Variable("facts", cel.ObjectType("facts.Facts")),
		cel.Variable("now", cel.TimestampType),
		cel.Function("never", cel.Overload("never_timestamp", []*cel.Type{cel.TimestampType}, cel.BoolType, cel.UnaryBinding(never))),
		ext.Strings(),
	}
	if v := collections[c.Each]; v.Each != "" {
		options = append(options, cel.Variable(v.Each, cel.ObjectType("facts."+v.Element.Name())))
	}
	for name, value := range c.params {
		options = append(options, cel.Variable(name, typeOf(value)))
	}
	return cel.NewEnv(options...)
}

// never says whether a time is none: CEL's zero time is the start of 1970, Go's that
// of year 1, and AWS is younger than both.
func never(v ref.Val) ref.Val {
	t, ok := v.(types.Timestamp)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	return types.Bool(t.Unix() <= 0)
}

// compile type-checks the expressions. A misspelt fact is a *rule.Error with the
// line in the file.
func (c *Control) compile(body ast.Node) error {
	env, err := c.environment()
	if err != nil {
		return fmt.Errorf("%s: %w", c.file, err)
	}
	for _, e := range []struct {
		key, text string
		want      *cel.Type
		to        **expression
	}{
		{"applies", c.Applies, cel.BoolType, &c.applies},
		{"pass", c.Passes, cel.BoolType, &c.passes},
		{"detail", c.Detail, cel.StringType, &c.detail},
	} {
		if e.text == "" {
			continue
		}
		compiled, err := compile(env, e.text, e.want)
		if err != nil {
			at := rule.Member(body, e.key).GetToken().Position
			return &rule.Error{File: c.file, Line: at.Line, Column: at.Column, Msg: e.key + ": " + err.Error()}
		}
		*e.to = compiled
	}
	return nil
}

// expression is one compiled expression and the facts that it selects.
type expression struct {
	program cel.Program
	uses    []string
}

func compile(env *cel.Env, text string, want *cel.Type) (*expression, error) {
	tree, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, errors.New(issues.Errors()[0].Message)
	}
	if !tree.OutputType().IsExactType(want) {
		return nil, fmt.Errorf("gives %s, want %s", tree.OutputType(), want)
	}
	uses, err := used(tree)
	if err != nil {
		return nil, err
	}
	program, err := env.Program(tree, cel.EvalOptions(cel.OptPartialEval), cel.CostLimit(costLimit))
	if err != nil {
		return nil, err
	}
	return &expression{program, uses}, nil
}
