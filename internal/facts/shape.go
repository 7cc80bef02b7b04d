package facts

import (
	"reflect"
	"slices"
	"strings"
)

// Facts are the typed facts. The tag call names the AWS action that tells a fact;
// of a list, its elements' fields have their own. A time that is zero means never,
// if the fact is known. The tag each gives a list's element a name: controls may judge
// such elements one by one, and the first field tells them apart.
type Facts struct {
	Root           Root           `json:"root"`
	Account        Account        `json:"account"`
	Organization   Organization   `json:"organization"`
	PasswordPolicy PasswordPolicy `json:"password_policy"`
	Attested       Attested       `json:"attested"`
	Decided        Decided        `json:"decided"`
	Users          []User         `json:"users" each:"user"`
	Groups         []Group        `json:"groups" each:"group"`
	Roles          []Role         `json:"roles" each:"role"`
	Policies       []Policy       `json:"policies" each:"policy"`
	Regions        []Region       `json:"regions" each:"region"`
	Trails         []Trail        `json:"trails" each:"trail"`
	Buckets        []Bucket       `json:"buckets" each:"bucket"`
	Keys           []Key          `json:"keys" each:"key"`
	LogGroups      []LogGroup     `json:"log_groups" each:"log_group"`
	Queues         []Queue        `json:"queues" each:"queue"`
	Secrets        []Secret       `json:"secrets" each:"secret"`
	MetricFilters  []MetricFilter `json:"metric_filters"`
	Alarms         []Alarm        `json:"alarms" each:"alarm"`
	Subscriptions  []Subscription `json:"subscriptions"`

	CompositeAlarms   []CompositeAlarm  `json:"composite_alarms"`
	LogAlarms         []LogAlarm        `json:"log_alarms"`
	EventBuses        []EventBus        `json:"event_buses" each:"event_bus"`
	EventRules        []EventRule       `json:"event_rules"`
	Topics            []Topic           `json:"topics" each:"topic"`
	FindingAggregator FindingAggregator `json:"finding_aggregator"`
}

// Path is one fact by name, with the AWS action that tells it.
type Path struct{ Name, Call string }

var (
	allPaths = walk(nil, "", reflect.TypeFor[Facts]())
	allLists = lists()
)

// Paths lists every fact: the fields of Facts down to the fields of list elements.
func Paths() []Path { return slices.Clone(allPaths) }

func walk(out []Path, prefix string, t reflect.Type) []Path {
	for f := range t.Fields() {
		name := nameOf(f)
		if name == "-" {
			continue
		}
		path := strings.TrimPrefix(prefix+"."+name, ".")
		if call := f.Tag.Get("call"); call != "" {
			out = append(out, Path{path, call})
			continue
		}
		inner := f.Type
		if inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		out = walk(out, path, inner)
	}
	return out
}

// List is a branch of facts that is a list of elements.
type List struct {
	Name    string // of the branch, such as users
	Each    string // what an element is called, such as user; "" if elements are not judged one by one
	Key     string // the field that tells elements apart, such as arn
	Element reflect.Type
}

// Lists are all branches that are lists.
func Lists() []List { return slices.Clone(allLists) }

func lists() []List {
	var out []List
	for f := range reflect.TypeFor[Facts]().Fields() {
		if f.Type.Kind() == reflect.Slice {
			out = append(out, List{nameOf(f), f.Tag.Get("each"), nameOf(f.Type.Elem().Field(0)), f.Type.Elem()})
		}
	}
	return out
}

// IsList says whether a branch of facts is a list of resources.
func IsList(branch string) bool {
	return slices.ContainsFunc(allLists, func(l List) bool { return l.Name == branch })
}

// Branches are the paths of the structs that hold facts, by type.
func Branches() map[reflect.Type]string {
	out := map[reflect.Type]string{}
	branches(out, "", reflect.TypeFor[Facts]())
	return out
}

func branches(out map[reflect.Type]string, path string, t reflect.Type) {
	out[t] = path
	for f := range t.Fields() {
		inner := f.Type
		if inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if f.Tag.Get("call") == "" && inner.Kind() == reflect.Struct {
			branches(out, strings.TrimPrefix(path+"."+nameOf(f), "."), inner)
		}
	}
}

func nameOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// known says whether a path is a fact or a branch of facts.
func known(path string) bool {
	for _, p := range allPaths {
		if covers(path, p.Name) {
			return true
		}
	}
	return false
}
