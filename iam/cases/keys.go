package cases

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/rootkeep/rootkeep/iam/jsontree"
)

// strange lists the keys of a case and of its request that this package does not
// know: a caller's own, or a layer spelled wrong, which the answer must not pass over
// in silence. The error is for a key that stands twice, of which encoding/json would
// take one. Like there, case does not count.
func strange(line []byte) (unknown []string, err error) {
	root, err := jsontree.Parse(line)
	if err != nil {
		return nil, err
	}
	if unknown, err = strangeIn(&root, "", reflect.TypeFor[Case]()); err != nil {
		return nil, err
	}
	for i := range root.Kids {
		if strings.EqualFold(root.Kids[i].Key, "request") {
			more, err := strangeIn(&root.Kids[i], "request.", reflect.TypeFor[Request]())
			if err != nil {
				return nil, err
			}
			unknown = append(unknown, more...)
		}
	}
	return unknown, nil
}

func strangeIn(v *jsontree.Value, path string, form reflect.Type) (unknown []string, err error) {
	known := map[string]bool{}
	for i := range form.NumField() {
		known[strings.ToLower(form.Field(i).Tag.Get("json"))] = true
	}
	seen := map[string]bool{}
	for i := range v.Kids {
		key := strings.ToLower(v.Kids[i].Key)
		switch {
		case seen[key]:
			return nil, fmt.Errorf("column %d: key %q stands twice", v.Kids[i].KeySpan.Start+1, path+v.Kids[i].Key)
		case !known[key]:
			unknown = append(unknown, path+v.Kids[i].Key)
		}
		seen[key] = true
	}
	return unknown, nil
}
