package hunts

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/store/hunts"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// query reads the state of a filter from the address of a page; the first value that
// does not fit is the error.
type query struct {
	values url.Values
	err    error
}

func queryOf(r *http.Request) *query { return &query{values: r.URL.Query()} }

const longestValue = 200 // bytes

// text is a value as it is.
func (q *query) text(name string) string {
	v := q.values.Get(name)
	if len(v) > longestValue {
		q.refuse(name)
		return ""
	}
	return v
}

// one is a value out of some, or none.
func (q *query) one(name string, of ...string) string {
	v := q.text(name)
	if v != "" && !slices.Contains(of, v) {
		q.refuse(name)
	}
	return v
}

// account is the number of an account, or none.
func (q *query) account(name string) rootkeep.AccountID {
	v := q.text(name)
	if v == "" {
		return ""
	}
	id, err := rootkeep.ParseAccountID(v)
	if err != nil {
		q.refuse(name)
	}
	return id
}

// days is a number of days out of some, the first of them if there is none.
func (q *query) days(name string, of ...int) int {
	v := q.text(name)
	if v == "" {
		return of[0]
	}
	n, err := strconv.Atoi(v)
	if err != nil || !slices.Contains(of, n) {
		q.refuse(name)
		return of[0]
	}
	return n
}

func (q *query) refuse(name string) {
	if q.err == nil {
		q.err = web.Refuse(http.StatusUnprocessableEntity, "invalid", "the filter "+name+" has a value that it cannot have")
	}
}

// period is a number of whole days, today among them.
func period(now time.Time, days int, account rootkeep.AccountID) hunts.Period {
	until := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	return hunts.Period{Account: account, Since: until.AddDate(0, 0, -days), Until: until}
}

// first is the way back to the first page, if this is not it.
func first(r *http.Request) string {
	if r.URL.Query().Get("cursor") == "" {
		return ""
	}
	return page.AtCursor(r.URL, "")
}

// after is the way to the next page, if there is one.
func after(r *http.Request, next string) string {
	if next == "" {
		return ""
	}
	return page.AtCursor(r.URL, next)
}

// options are choices of a select, behind one that chooses all.
func options(all string, values ...string) []page.Option {
	out := []page.Option{{Text: all}}
	for _, v := range values {
		out = append(out, page.Option{Value: v, Text: v})
	}
	return out
}

// kinds are those of root events, in the order of a select.
var kinds = []string{
	string(rootkeep.RootSignIn), string(rootkeep.RootCall), string(rootkeep.RootKeyCall), string(rootkeep.AssumedRootCall), string(rootkeep.RootByService),
	string(rootkeep.RootFailedSignIn), string(rootkeep.RootSignInStep), string(rootkeep.RootAssumed), string(rootkeep.RootCredential), string(rootkeep.RootGovernance),
}
