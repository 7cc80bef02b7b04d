package invoke

import (
	"context"
	"errors"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/change"
)

// tokens are the names that a list's place goes by: of the parameter, and of the members
// of the answer that give that of the next page.
var tokens = []struct{ in, out string }{
	{"NextToken", "NextToken"}, {"Marker", "Marker"}, {"Marker", "NextMarker"}, {"ContinuationToken", "NextContinuationToken"}, {"ContinuationToken", "ContinuationToken"},
}

// pageToken finds the names of an operation's tokens, "" if it has no pages.
func (o Operation) pageToken() (in, out string) {
	for _, t := range tokens {
		_, takes := o.input.FieldByName(t.in)
		_, gives := o.output.FieldByName(t.out)
		if takes && gives {
			return t.in, t.out
		}
	}
	return "", ""
}

// Gather calls an operation that reads, page by page, and puts the pages together: lists
// have the elements of all, what else there is is the first page's. A list at the top of
// the answer is there even if it is empty. A list that does not end is an error.
func (o Operation) Gather(ctx context.Context, config aws.Config, c change.Call) (map[string]any, error) {
	in, out := o.pageToken()
	params, err := o.decode(c.With)
	if err != nil {
		return nil, mistaken(c, err)
	}
	config = bounded(config)
	all := map[string]any{}
	err = (&call.Place{}).Pages(func(token *string) (*string, error) {
		if token != nil {
			reflect.ValueOf(params).Elem().FieldByName(in).Set(reflect.ValueOf(token))
		}
		answer, err := o.do(ctx, config, params)
		if err != nil {
			return nil, err
		}
		page, err := o.encode(answer)
		if err != nil {
			return nil, err
		}
		next, err := o.next(page, out)
		join(all, page)
		return next, err
	})
	if err != nil {
		return nil, failure(c, err)
	}
	o.lists(all)
	return all, nil
}

// next takes the token of the next page out of a page, nil if it is the last.
func (o Operation) next(page map[string]any, token string) (*string, error) {
	if token == "" {
		return nil, nil
	}
	name := memberName(o.output, token)
	next, _ := page[name].(string)
	delete(page, name)
	cut, told := false, false
	for _, more := range []string{"IsTruncated", "Truncated"} { // as IAM and KMS say it
		if _, ok := o.output.FieldByName(more); ok {
			cut, told = page[more].(bool)
			delete(page, more)
		}
	}
	switch {
	case next == "" && cut:
		return nil, errors.New("AWS says that there is more, and not where")
	case next == "" || told && !cut:
		return nil, nil
	}
	return &next, nil
}

// join adds a page to those before it.
func join(all, page map[string]any) {
	for name, value := range page {
		had, ok := all[name]
		old, wasList := had.([]any)
		more, isList := value.([]any)
		switch {
		case !ok:
			all[name] = value
		case wasList && isList:
			all[name] = append(old, more...)
		}
	}
}

// lists puts an empty list where an answer has none: it is known that there is nothing.
func (o Operation) lists(all map[string]any) {
	for name, i := range members(o.output) {
		if t := o.output.Field(i).Type; all[name] == nil && t.Kind() == reflect.Slice && t != bytesType {
			all[name] = []any{}
		}
	}
}
