package jobs

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// choiceOf is before the names of inputs that make up a payload, and choiceOf with the
// kind alone marks a form that has them.
const choiceOf = "choice-"

// offer is a kind with the inputs of its form.
type offer struct {
	Kind
	Inputs []page.Input // empty: the payload is typed as JSON, or the kind takes none
}

// offers asks the kinds for their choices.
func (a *area) offers(ctx context.Context) ([]offer, error) {
	out := make([]offer, len(a.Kinds))
	err := a.Store.View(ctx, func(ctx context.Context, r *store.Reader) error {
		for i, k := range a.Kinds {
			out[i] = offer{Kind: k}
			if k.Choices == nil {
				continue
			}
			inputs, err := k.Choices(ctx, r)
			if err != nil {
				return err
			}
			for _, in := range inputs {
				in.Name = choiceOf + k.Name + "-" + in.Name
				out[i].Inputs = append(out[i].Inputs, in)
			}
		}
		return nil
	})
	return out, err
}

// payload is that of the form of a request: typed as JSON, or made of its choices. A box
// is a boolean, what takes several is a list, all else is a string; what was left empty
// is no member.
func (a *area) payload(r *http.Request, kind string) ([]byte, error) {
	if r.PostFormValue(choiceOf+kind) == "" {
		return []byte(r.PostFormValue("payload")), nil
	}
	all, err := a.offers(r.Context())
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for _, o := range all {
		if o.Name != kind {
			continue
		}
		for _, in := range o.Inputs {
			given := r.PostForm[in.Name]
			if len(given) == 0 || given[0] == "" {
				continue
			}
			member := strings.TrimPrefix(in.Name, choiceOf+kind+"-")
			switch in.Kind {
			case "checkbox":
				out[member] = true
			case "many":
				out[member] = given
			default:
				out[member] = strings.TrimSpace(given[0])
			}
		}
	}
	return json.Marshal(out)
}
