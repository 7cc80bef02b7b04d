package page

import (
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep/internal/report/text"
)

// id tells the input from others of the page.
func (i Input) id() string {
	if i.Of == "" {
		return i.Name
	}
	return i.Of + "-" + i.Name
}

// attributes are those that not every input has.
func (i Input) attributes() templ.Attributes {
	out := templ.Attributes{}
	var described []string
	if i.Hint != "" {
		described = append(described, "hint-"+i.id())
	}
	if i.Fault != "" {
		described = append(described, "fault-"+i.id())
		out["aria-invalid"] = "true"
	}
	if len(described) > 0 {
		out["aria-describedby"] = strings.Join(described, " ")
	}
	if i.Kind == "text" && len(i.Options) > 0 {
		out["list"] = "list-" + i.Name
	}
	if i.Required {
		out["required"] = true
	}
	if i.Most > 0 && i.Kind != "select" && i.Kind != "many" && i.Kind != "checkbox" {
		out["maxlength"] = strconv.Itoa(i.Most)
	}
	return out
}

// mostLines bounds how high a choice of several stands.
const mostLines = 6

func (i Input) lines() string { return strconv.Itoa(min(max(len(i.Options), 2), mostLines)) }

// value is what a ticked box sends.
func (i Input) value() string {
	if i.Value == "" {
		return "yes"
	}
	return i.Value
}

func faulty(inputs []Input) bool {
	return slices.ContainsFunc(inputs, func(i Input) bool { return i.Fault != "" })
}

func label(columns []Column, i int) string {
	if i < len(columns) {
		return columns[i].Title
	}
	return ""
}

// Whole is hostile text in full, with its line ends: for Code.
func Whole(s string) templ.Component {
	lines := strings.Split(s, "\n")
	for i := range lines {
		parts := strings.Split(lines[i], "\t")
		for j := range parts {
			parts[j] = text.Visible(parts[j], 0)
		}
		lines[i] = strings.Join(parts, "\t")
	}
	return written(strings.Join(lines, "\n"))
}

// given says whether one of the inputs has a value.
func given(inputs []Input) bool {
	return slices.ContainsFunc(inputs, func(i Input) bool { return i.Value != "" || i.Checked })
}
