package posture

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// textFunctions help details to say what was seen:
//
//   - few(texts) joins a list with commas, the first five and how many more there are;
//     of an empty list it is "none".
func textFunctions() []cel.EnvOption {
	return []cel.EnvOption{cel.Function("few", cel.Overload("few_strings", []*cel.Type{cel.ListType(cel.StringType)}, cel.StringType, cel.UnaryBinding(few)))}
}

func few(v ref.Val) ref.Val {
	texts, err := native[string](v)
	if err != nil {
		return types.WrapErr(err)
	}
	const most = 5
	if len(texts) == 0 {
		return types.String("none")
	}
	if len(texts) <= most {
		return types.String(strings.Join(texts, ", "))
	}
	return types.String(fmt.Sprintf("%s and %d more", strings.Join(texts[:most], ", "), len(texts)-most))
}
