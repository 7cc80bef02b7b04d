package posture

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
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

// costLimit bounds one expression that runs over lists inside lists, in CEL's cost units:
// some hundred thousand elements looked at. Any other takes time in proportion to the
// facts, and to count its steps would double that.
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

// view is a control on one list of facts, or on the account.
type view struct {
	branch   string // such as users; "" is the account
	list     facts.List
	variable string      // what an element is called
	raise    *expression // nil: never
	applies  *expression // nil: always
	passes   *expression
	detail   *expression // nil: none
}

// anyElement is what an element is called where a control judges several lists.
const anyElement = "holder"

// environment is what the expressions of a control may name: facts, now, the element
// of each, its parameters, what is said of the scan itself, and functions: never(time),
// conceals(filter, type), and those of unknownFunctions, organizationFunctions,
// textFunctions and iamFunctions. scan_keys are the IDs of the access keys that the scan
// was given; denied are the actions that were refused to it or failed.
func (c *Control) environment(v *view) (*cel.Env, error) {
	base, err := common()
	if err != nil {
		return nil, err
	}
	var options []cel.EnvOption
	if v.variable != "" {
		options = append(options, cel.Variable(v.variable, cel.ObjectType("facts."+v.list.Element.Name())))
	}
	for name, value := range c.params {
		options = append(options, cel.Variable(name, typeOf(value)))
	}
	return base.Extend(options...)
}

// common is what all controls may name, made once: the types of facts are many.
var common = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{
		ext.NativeTypes(ext.ParseStructTag("json"), reflect.TypeFor[facts.Facts]()),
		cel.Variable("facts", cel.ObjectType("facts.Facts")),
		cel.Variable("now", cel.TimestampType),
		cel.Function("never", cel.Overload("never_timestamp", []*cel.Type{cel.TimestampType}, cel.BoolType, cel.UnaryBinding(never))),
		cel.Variable("scan_keys", cel.ListType(cel.StringType)),
		cel.Variable("denied", cel.ListType(cel.StringType)),
		concealFunction,
		ext.Strings(),
	}
	return cel.NewEnv(slices.Concat(options, unknownFunctions(), organizationFunctions(), textFunctions(), policyFunctions(), iamFunctions(), alertFunctions)...)
})

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
	for _, v := range c.views {
		if err := c.compileView(v, body); err != nil {
			return err
		}
	}
	return nil
}

func (c *Control) compileView(v *view, body ast.Node) error {
	env, err := c.environment(v)
	if err != nil {
		return fmt.Errorf("%s: %w", c.file, err)
	}
	for _, e := range []struct {
		key, text string
		want      *cel.Type
		to        **expression
	}{
		{"raise", c.Raise.When, cel.BoolType, &v.raise},
		{"applies", c.Applies, cel.BoolType, &v.applies},
		{"pass", c.Passes, cel.BoolType, &v.passes},
		{"detail", c.Detail, cel.StringType, &v.detail},
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
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptPartialEval)}
	if nested(tree) {
		options = append(options, cel.CostLimit(costLimit))
	}
	program, err := env.Program(tree, options...)
	if err != nil {
		return nil, err
	}
	return &expression{program, uses}, nil
}
