// Package invoke calls operations of AWS by their names: parameters go in as JSON would
// decode them, by the names that AWS's API, its command line and boto3 have for them;
// the answer comes out the same way. Which operations there are is said by the packages
// that import it: those that read in one table, those that change an account in another.
package invoke

import (
	"context"
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/change"
)

// Operation is one operation of one service, and how it is called.
type Operation struct {
	Name    string   // such as iam:CreateGroup: the prefix of the service's IAM actions and the API's name
	Actions []string // IAM actions that permit it, none where nothing has to

	input, output reflect.Type
	do            func(ctx context.Context, c aws.Config, in any) (any, error)
	preset        map[string]any // parameters unless others are given
	text          string         // member of the answer whose bytes are text
	unions        []reflect.Type // choices that parameters may hold
}

// Mark says something about an operation.
type Mark func(*Operation)

// By gives the IAM actions that permit an operation, where they are not its own name
// alone (Service Authorization Reference, "Actions, resources, and condition keys").
func By(actions ...string) Mark { return func(o *Operation) { o.Actions = actions } }

// Preset gives a parameter that is sent unless the caller gives another.
func Preset(name string, value any) Mark {
	return func(o *Operation) {
		if o.preset == nil {
			o.preset = map[string]any{}
		}
		o.preset[name] = value
	}
}

// Text says that the bytes of a member of the answer are text.
func Text(member string) Mark { return func(o *Operation) { o.text = member } }

// Choice says that parameters may hold one of several things, of which T is one: a member
// of a union of the SDK. It is given as a map with one key, the member's name.
func Choice[T any](o *Operation) { o.unions = append(o.unions, reflect.TypeFor[T]()) }

// Op makes an operation of a method of the SDK's client.
func Op[Client, In, Out, Options any](connect func(aws.Config, ...func(*Options)) *Client,
	do func(*Client, context.Context, *In, ...func(*Options)) (*Out, error), marks ...Mark) Operation {
	o := Operation{input: reflect.TypeFor[In](), output: reflect.TypeFor[Out]()}
	o.Name = service(o.input) + ":" + strings.TrimSuffix(o.input.Name(), "Input")
	o.Actions = []string{o.Name}
	o.do = func(ctx context.Context, c aws.Config, in any) (any, error) { return do(connect(c), ctx, in.(*In)) }
	for _, m := range marks {
		m(&o)
	}
	return o
}

// Own makes an operation that has no parameters, and that no client of the SDK calls here.
func Own[Out any](name string, do func(context.Context, *call.Place) (*Out, error)) Operation {
	return Operation{
		Name: name, Actions: []string{name}, input: reflect.TypeFor[struct{}](), output: reflect.TypeFor[Out](),
		do: func(ctx context.Context, c aws.Config, _ any) (any, error) {
			return do(ctx, &call.Place{AWS: c, Now: time.Now, Sleep: call.Sleep})
		},
	}
}

// prefixes of IAM actions, where the SDK's package has another name.
var prefixes = map[string]string{"accessanalyzer": "access-analyzer", "cloudwatchlogs": "logs", "configservice": "config", "eventbridge": "events"}

// service is the prefix of a service's actions, by a type of its package.
func service(t reflect.Type) string {
	name := path.Base(t.PkgPath())
	if name == "types" {
		name = path.Base(path.Dir(t.PkgPath()))
	}
	if prefix, ok := prefixes[name]; ok {
		return prefix
	}
	return name
}

// Accepts says whether the operation has parameters of these names and types. It does not
// say whether some are missing, which AWS says.
func (o Operation) Accepts(with map[string]any) error {
	_, err := o.decode(with)
	return err
}

// Call makes a call once. The error is a *change.Refusal if it was surely not carried
// out, another if that is open.
func (o Operation) Call(ctx context.Context, config aws.Config, c change.Call) (map[string]any, error) {
	in, err := o.decode(c.With)
	if err != nil {
		return nil, mistaken(c, err)
	}
	out, err := o.do(ctx, bounded(config), in)
	if err != nil {
		return nil, failure(c, err)
	}
	return o.encode(out)
}

// decode makes the SDK's input of parameters.
func (o Operation) decode(with map[string]any) (any, error) {
	if token, _ := o.pageToken(); token != "" {
		if name := memberName(o.input, token); with[name] != nil {
			return nil, fmt.Errorf("%s: %s is not to be given: all pages are read", o.Name, name)
		}
	}
	in := reflect.New(o.input)
	for name, value := range o.preset {
		if _, given := with[name]; !given {
			with = maps.Clone(with)
			if with == nil {
				with = map[string]any{}
			}
			with[name] = value
		}
	}
	d := decoder{o.unions}
	if err := d.structure(in.Elem(), reflect.ValueOf(with), ""); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name, err)
	}
	return in.Interface(), nil
}

// encode makes a map of the SDK's output.
func (o Operation) encode(out any) (map[string]any, error) {
	e := encoder{text: o.text}
	answer, _, err := e.value(reflect.ValueOf(out), "")
	if err != nil {
		return nil, fmt.Errorf("answer to %s: %w", o.Name, err)
	}
	m, ok := answer.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("answer to %s: there is none", o.Name)
	}
	return m, nil
}

// Table finds operations by their names.
type Table map[string]Operation

// NewTable makes a table. Two operations of a name are a mistake in the program.
func NewTable(operations ...Operation) Table {
	t := Table{}
	for _, o := range operations {
		if _, twice := t[o.Name]; twice {
			panic("invoke: two operations are called " + o.Name)
		}
		t[o.Name] = o
	}
	return t
}

// Names are the names of all operations, sorted.
func (t Table) Names() []string { return slices.Sorted(maps.Keys(t)) }

// Find describes an operation.
func (t Table) Find(name string, writes bool) (change.Operation, bool) {
	o, ok := t[name]
	if !ok {
		return change.Operation{}, false
	}
	return change.Operation{Writes: writes, Actions: slices.Clone(o.Actions), Accepts: o.Accepts}, true
}
