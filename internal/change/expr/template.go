package expr

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/iam/template"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// templateID is the form of the name of a template's file.
var templateID = regexp.MustCompile(`^[a-z][a-z0-9-]{0,60}$`)

// templateFunctions are template(id, settings): the policy of a template that comes with
// rootkeep. Settings are texts such as regions=eu-west-3; a parameter that takes several
// values is named once for each.
func templateFunctions() []cel.EnvOption {
	return []cel.EnvOption{cel.Function("template", cel.Overload("template_text_dyn", []*cel.Type{cel.StringType, cel.DynType}, cel.DynType, cel.BinaryBinding(func(id, settings ref.Val) ref.Val {
		given, err := plain(settings)
		if err != nil {
			return types.WrapErr(err)
		}
		return result(rendered(string(id.(types.String)), given))
	})))}
}

// renders finds the name of the function, however it stands before its arguments.
var renders = regexp.MustCompile(`\btemplate\b`)

// Renders says whether the expression may render a template.
func (e *Expression) Renders() bool { return renders.MatchString(e.Source) }

// Templates is what template can render, from the folder policies, as one text: each file
// after its name and length, without its cases.
func Templates(files fs.FS) ([]byte, error) {
	names, err := fs.Glob(files, "policies/*.yaml")
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		text = rule.WithoutCases(text)
		out = append(fmt.Appendf(out, "%q %d\n", name, len(text)), text...)
	}
	return out, nil
}

func rendered(id string, settings any) (any, error) {
	list, ok := settings.([]any)
	if !ok {
		return nil, fmt.Errorf("template(%q, %T): want a list of texts such as name=value", id, settings)
	}
	if !templateID.MatchString(id) {
		return nil, fmt.Errorf("template %q: want lower-case words joined by -", id)
	}
	name := path.Join("policies", id+".yaml")
	text, err := fs.ReadFile(content.Files, name)
	if err != nil {
		return nil, fmt.Errorf("there is no template %q; hint: rootkeep iam template list", id)
	}
	t, err := template.Parse(name, text)
	if err != nil {
		return nil, err
	}
	values := map[string]template.Values{}
	for _, e := range list {
		s, _ := e.(string)
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return nil, fmt.Errorf("template %s: setting %v: want name=value", id, e)
		}
		values[key] = append(values[key], value)
	}
	policy, err := t.Render(values)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", id, err)
	}
	return ParseJSON(policy)
}
