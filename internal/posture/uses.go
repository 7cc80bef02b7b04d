package posture

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"

	"github.com/rootkeep/rootkeep/internal/facts"
)

// branches are the paths of the structs that expressions select from, by CEL type. What
// is below them is known as a whole or not at all.
var branches = func() map[string]string {
	out := map[string]string{}
	for t, path := range facts.Branches() {
		out["facts."+t.Name()] = path
	}
	return out
}()

// used lists the facts that an expression selects, by path, or that its functions read
// of lists, and refuses has(): every field of a fact is there, and what is not known has
// no zero value to test.
func used(tree *cel.Ast) (paths []string, err error) {
	a := tree.NativeRep()
	celast.PostOrderVisit(a.Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		switch e.Kind() {
		case celast.CallKind:
			paths = append(paths, functionReads[e.AsCall().FunctionName()]...)
		case celast.SelectKind:
			s := e.AsSelect()
			if s.IsTestOnly() {
				err = fmt.Errorf("has(%s): a fact is always there or unknown; compare its value", s.FieldName())
				return
			}
			if branch, ok := branches[a.GetType(s.Operand().ID()).TypeName()]; ok {
				paths = append(paths, strings.TrimPrefix(branch+"."+s.FieldName(), "."))
			}
		}
	}))
	return keyed(paths), err
}

// keyed names the key of a list of which no field of an element is selected: its length
// is known when the keys are.
func keyed(paths []string) []string {
	out := paths
	for _, list := range paths {
		if facts.IsList(list) && !slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(p, list+".") }) {
			out = append(out, list+"."+keyOf(list))
		}
	}
	return out
}
