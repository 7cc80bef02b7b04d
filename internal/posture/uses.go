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

// used lists the facts that an expression selects, by path, and refuses has(): every
// field of a fact is there, and what is not known has no zero value to test.
func used(tree *cel.Ast) (paths []string, err error) {
	a := tree.NativeRep()
	celast.PostOrderVisit(a.Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		if e.Kind() != celast.SelectKind {
			return
		}
		s := e.AsSelect()
		if s.IsTestOnly() {
			err = fmt.Errorf("has(%s): a fact is always there or unknown; compare its value", s.FieldName())
			return
		}
		if branch, ok := branches[a.GetType(s.Operand().ID()).TypeName()]; ok {
			paths = append(paths, strings.TrimPrefix(branch+"."+s.FieldName(), "."))
		}
	}))
	return withKeys(paths), err
}

// withKeys adds the key of each list of which no field is selected, only its size: a
// list is known when the keys of its elements are, and fields are not known without.
func withKeys(paths []string) []string {
	for _, list := range paths {
		key := keyOf(list)
		if key == "" || slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(p, list+".") }) {
			continue
		}
		paths = append(paths, list+"."+key)
	}
	return paths
}

// nested says whether an expression runs over a list for each element of another.
func nested(tree *cel.Ast) bool {
	found := false
	celast.PostOrderVisit(tree.NativeRep().Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		if e.Kind() != celast.ComprehensionKind {
			return
		}
		c := e.AsComprehension()
		for _, part := range []celast.Expr{c.LoopCondition(), c.LoopStep(), c.Result()} {
			celast.PostOrderVisit(part, celast.NewExprVisitor(func(inner celast.Expr) {
				found = found || inner.Kind() == celast.ComprehensionKind
			}))
		}
	}))
	return found
}
