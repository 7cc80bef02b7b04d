// Package call is how AWS is asked: an operation, the Region and account where it is
// called, lists of many pages, and what the answers and refusals come to. What is asked
// the packages beside it say, one for each area of services.
package call

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// Operation is an API operation that is called, by the IAM action that permits it,
// such as iam:GetAccountSummary. The facts whose tag call names it are what it tells.
type Operation struct {
	Action   string
	Regional bool // called in every enabled Region, or where the resource is

	// Read gives a Direct, or what the AWS CLI would print, for intake. It is nil where
	// the operation is called on the way to another.
	Read func(context.Context, *Place) (any, error)
	// Enter, if set, enters resources that other facts name into the list that Of reads.
	Enter func(*facts.Facts)
	// Of names the single resources that ReadOne is about, once the lists are in. What
	// ReadOne gives is a Direct.
	Of      func(*facts.Snapshot) []Target
	ReadOne func(context.Context, *Place, Target) (any, error)
	// Untold: where Of names nothing the facts are not known. Of the others they are:
	// there is nothing to ask about.
	Untold bool
	// Needs is the operation whose facts Of reads. Where that one fails nobody knows what
	// to ask, and these facts are as unknown as its own.
	Needs string
}

// Target is one resource that an operation is about.
type Target struct {
	Region string   // where to ask, "" where reading began
	Key    string   // of the list's element, such as an ARN
	With   []string // what else to say when asking
}

// Direct sets facts that the AWS CLI prints nowhere that intake reads.
type Direct func(*facts.Facts)

// RegionOf is the Region in an ARN, "" for none.
func RegionOf(arn string) string {
	a, _ := rootkeep.ParseARN(arn)
	return string(a.Region)
}

// Place is where one operation runs. Now, Sleep and Calls are of whoever reads.
type Place struct {
	AWS     aws.Config         // of the Region
	Account rootkeep.AccountID // that is read
	At      time.Time          // when AWS first answered

	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error
	Calls func(done, planned int) // hears of calls that are done and planned; nil is nobody
	// Turn makes a call that no client of the SDK makes, such as EC2:DescribeVolumes,
	// when the budgets of calls let it; nil is at once.
	Turn func(ctx context.Context, call string, do func() error) error
}

// Sleep waits, or ends early with the context's error.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

const timeout = 3 * time.Minute // of one call with all its attempts

// Ask makes one call, bounded in time, and notes when it was answered.
func Ask[In, Out, Options any](ctx context.Context, p *Place, call func(context.Context, *In, ...func(*Options)) (*Out, error), in *In) (*Out, error) {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	out, err := call(ctx, in)
	p.done()
	return out, err
}

// InTurn makes a call of a service that the SDK has no client for here, as Turn says.
func (p *Place) InTurn(ctx context.Context, call string, do func() error) error {
	if p.Turn == nil {
		return do()
	}
	return p.Turn(ctx, call, do)
}

// Plan says that so many more calls are to come.
func (p *Place) Plan(calls int) { p.count(0, calls) }

// Skip says that a call that was planned is not made.
func (p *Place) Skip() { p.done() }

func (p *Place) done() {
	if p.At.IsZero() {
		p.At = p.Now().UTC()
	}
	p.count(1, 0)
}

func (p *Place) count(done, planned int) {
	if p.Calls != nil {
		p.Calls(done, planned)
	}
}

// maxPages bounds one list: a thousand pages are beyond every quota of these calls.
const maxPages = 1000

// Pages calls read with the token of each page in turn, nil for the first; read gives
// the token of the next page, nil or "" if there is none. A list that AWS does not end
// is an error, never a list that is cut.
func (p *Place) Pages(read func(token *string) (*string, error)) error {
	var token *string
	for range maxPages {
		next, err := read(token)
		if err != nil || aws.ToString(next) == "" {
			return err
		}
		if token != nil && *token == *next {
			return fmt.Errorf("AWS gave the same page token twice")
		}
		token = next
		p.Plan(1)
	}
	return fmt.Errorf("more than %d pages", maxPages)
}

// Gather is the elements of all pages. It is never nil: an empty list is an answer.
func Gather[T any](p *Place, read func(token *string) ([]T, *string, error)) ([]T, error) {
	all := []T{}
	err := p.Pages(func(token *string) (*string, error) {
		page, next, err := read(token)
		all = append(all, page...)
		return next, err
	})
	return all, err
}

// maxCounted bounds how many pages are counted: whoever has so many findings is not
// helped by the exact number.
const maxCounted = 5

// Count is how many elements the first pages have. Nothing but the number is kept.
func (p *Place) Count(read func(token *string) (n int, next *string, err error)) (facts.Count, error) {
	var all facts.Count
	page := 0
	err := p.Pages(func(token *string) (*string, error) {
		n, next, err := read(token)
		all.N += n
		if page++; page == maxCounted && aws.ToString(next) != "" {
			all.More, next = true, nil
		}
		return next, err
	})
	return all, err
}
