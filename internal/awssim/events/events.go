// Package events is the simulated Amazon EventBridge: buses, their policies, rules and
// targets. Rules of the default bus get what CloudTrail and S3 tell and send it to queues
// and topics; events that are put are taken and go nowhere. TestEventPattern says what a
// pattern would take.
//
// Source: Amazon EventBridge API Reference, version 2015-10-07.
package events

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// Service lists the operations.
func Service() *cloud.Service {
	return &cloud.Service{
		Name: "events", Protocol: cloud.JSON, JSON: "1.1", Target: "AWSEvents",
		Operations: []*cloud.Operation{
			cloud.Op("ListEventBuses", listBuses),
			cloud.Op("DescribeEventBus", describeBus),
			cloud.Op("CreateEventBus", createBus),
			cloud.Op("DeleteEventBus", deleteBus),
			cloud.Op("PutPermission", putPermission),
			cloud.Op("RemovePermission", removePermission),
			cloud.Op("PutRule", putRule),
			cloud.Op("DescribeRule", describeRule),
			cloud.Op("ListRules", listRules),
			cloud.Op("EnableRule", switchRule("ENABLED")),
			cloud.Op("DisableRule", switchRule("DISABLED")),
			cloud.Op("DeleteRule", deleteRule),
			cloud.Op("PutTargets", putTargets),
			cloud.Op("ListTargetsByRule", listTargets),
			cloud.Op("ListRuleNamesByTarget", listByTarget),
			cloud.Op("RemoveTargets", removeTargets),
			cloud.Op("PutEvents", putEvents, cloud.Data),
			cloud.Op("TestEventPattern", testPattern, cloud.Reads),
		},
	}
}

// bus is one event bus.
type bus struct {
	name, arn, description string
	created                time.Time
	statements             map[string]any // of its policy, by Sid
	rules                  map[string]*rule
}

type rule struct {
	shape   ruleShape
	targets []target
}

// buses are those of an account in a Region, by name; the default one is always there.
type buses struct{ byName map[string]*bus }

const defaultBus = "default"

func state(c *cloud.Call) map[string]*bus {
	s := cloud.Regional[buses](c.Account, c.Region)
	if s.byName == nil {
		s.byName = map[string]*bus{}
		s.byName[defaultBus] = &bus{name: defaultBus, arn: c.ARN("event-bus/" + defaultBus), created: c.Account.Joined, statements: map[string]any{}, rules: map[string]*rule{}}
	}
	return s.byName
}

// find takes a bus's name or ARN; empty is the default.
func find(c *cloud.Call, name string) (*bus, error) {
	if name == "" {
		name = defaultBus
	}
	name = strings.TrimPrefix(name, c.ARN("event-bus/"))
	if b := state(c)[name]; b != nil {
		return b, nil
	}
	return nil, cloud.Fail("ResourceNotFoundException", 400, "Event bus %s does not exist.", name)
}

// policy is the text of a bus's policy, "" without statements.
func (b *bus) policy() string {
	if len(b.statements) == 0 {
		return ""
	}
	text, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": cloud.Sorted(b.statements)})
	return string(text)
}

type onBus struct{ Name string }

// On is the bus's ARN.
func (o *onBus) On(c *cloud.Call) cloud.Resource { return busResource(c, o.Name) }

func busResource(c *cloud.Call, name string) cloud.Resource {
	if b, err := find(c, name); err == nil {
		return cloud.Resource{ARN: b.arn}
	}
	return cloud.Resource{ARN: c.ARN("event-bus/" + name)}
}

type busShape struct {
	Name, Arn, Description, Policy string
	CreationTime, LastModifiedTime time.Time
}

func (b *bus) show() busShape {
	return busShape{b.name, b.arn, b.description, b.policy(), b.created, b.created}
}

type paged struct {
	NextToken string
	Limit     int
}

func cut[T any](c *cloud.Call, p paged, all []T) ([]T, string, error) {
	return cloud.Page(c, all, p.NextToken, p.Limit, 100, 100)
}

type listBusesIn struct {
	NamePrefix string
	paged
}

type busesOut struct {
	EventBuses []busShape
	NextToken  string
}

func listBuses(c *cloud.Call, in listBusesIn) (out busesOut, err error) {
	var all []busShape
	for _, b := range cloud.Sorted(state(c)) {
		if strings.HasPrefix(b.name, in.NamePrefix) {
			all = append(all, b.show())
		}
	}
	out.EventBuses, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

func describeBus(c *cloud.Call, in onBus) (out busShape, err error) {
	b, err := find(c, in.Name)
	if err != nil {
		return out, err
	}
	return b.show(), nil
}

type createBusIn struct {
	onBus
	Description string
}

type createBusOut struct{ EventBusArn, Description string }

func createBus(c *cloud.Call, in createBusIn) (out createBusOut, err error) {
	switch {
	case state(c)[in.Name] != nil:
		return out, cloud.Fail("ResourceAlreadyExistsException", 400, "Event bus %s already exists.", in.Name)
	case in.Name == "" || len(in.Name) > 256 || strings.Trim(strings.ToLower(in.Name), "abcdefghijklmnopqrstuvwxyz0123456789._-") != "":
		return out, c.Invalid("%q is no name for an event bus", in.Name)
	}
	b := &bus{name: in.Name, arn: c.ARN("event-bus/" + in.Name), description: in.Description, created: c.Now, statements: map[string]any{}, rules: map[string]*rule{}}
	state(c)[b.name] = b
	return createBusOut{b.arn, b.description}, nil
}

func deleteBus(c *cloud.Call, in onBus) (cloud.None, error) {
	b := state(c)[in.Name]
	switch {
	case in.Name == defaultBus:
		return cloud.None{}, c.Invalid("Cannot delete event bus default.")
	case b != nil && len(b.rules) > 0:
		return cloud.None{}, c.Invalid("Event bus can't be deleted since it has rules.")
	}
	delete(state(c), in.Name)
	return cloud.None{}, nil
}

type permissionIn struct {
	EventBusName, Action, Principal, StatementId, Policy string
	Condition                                            *struct{ Type, Key, Value string }
}

// On is the bus's ARN.
func (in *permissionIn) On(c *cloud.Call) cloud.Resource { return busResource(c, in.EventBusName) }

func putPermission(c *cloud.Call, in permissionIn) (cloud.None, error) {
	b, err := find(c, in.EventBusName)
	if err != nil {
		return cloud.None{}, err
	}
	if in.Policy != "" {
		return cloud.None{}, b.replace(c, in.Policy)
	}
	if in.StatementId == "" || in.Principal == "" || in.Action == "" {
		return cloud.None{}, c.Invalid("Action, Principal and StatementId, or Policy, must be given")
	}
	s := map[string]any{"Sid": in.StatementId, "Effect": "Allow", "Principal": "*", "Action": in.Action, "Resource": b.arn}
	if in.Principal != "*" {
		s["Principal"] = map[string]string{"AWS": "arn:aws:iam::" + in.Principal + ":root"}
	}
	if in.Condition != nil {
		s["Condition"] = map[string]any{in.Condition.Type: map[string]string{in.Condition.Key: in.Condition.Value}}
	}
	b.statements[in.StatementId] = s
	return cloud.None{}, nil
}

// replace takes a whole policy.
func (b *bus) replace(c *cloud.Call, text string) error {
	if err := cloud.CheckPolicy(iam.Resource, text); err != nil {
		return c.Invalid("Policy: %v", err)
	}
	var document struct{ Statement []map[string]any }
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return c.Invalid("Policy: %v", err)
	}
	b.statements = map[string]any{}
	for _, s := range document.Statement {
		sid, ok := s["Sid"].(string)
		if !ok {
			return c.Invalid("Policy: every statement needs a Sid")
		}
		b.statements[sid] = s
	}
	return nil
}

type removePermissionIn struct {
	EventBusName, StatementId string
	RemoveAllPermissions      bool
}

// On is the bus's ARN.
func (in *removePermissionIn) On(c *cloud.Call) cloud.Resource {
	return busResource(c, in.EventBusName)
}

func removePermission(c *cloud.Call, in removePermissionIn) (cloud.None, error) {
	b, err := find(c, in.EventBusName)
	switch {
	case err != nil:
		return cloud.None{}, err
	case in.RemoveAllPermissions:
		b.statements = map[string]any{}
		return cloud.None{}, nil
	case b.statements[in.StatementId] == nil:
		return cloud.None{}, cloud.Fail("ResourceNotFoundException", 400, "Statement with the provided id does not exist.")
	}
	delete(b.statements, in.StatementId)
	return cloud.None{}, nil
}

type ruleShape struct {
	Name, Arn, EventPattern, State, Description, ScheduleExpression, RoleArn, ManagedBy, EventBusName string
}

type onRule struct {
	Name         string `aws:",must"`
	EventBusName string
}

func ruleARN(c *cloud.Call, bus, name string) string {
	if bus != "" && bus != defaultBus {
		name = bus + "/" + name
	}
	return c.ARN("rule/" + name)
}

// On is the rule's ARN.
func (o *onRule) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: ruleARN(c, o.EventBusName, o.Name)}
}

func findRule(c *cloud.Call, busName, name string) (*bus, *rule, error) {
	b, err := find(c, busName)
	if err != nil {
		return nil, nil, err
	}
	r := b.rules[name]
	if r == nil {
		return nil, nil, cloud.Fail("ResourceNotFoundException", 400, "Rule %s does not exist on EventBus %s.", name, b.name)
	}
	return b, r, nil
}

type putRuleIn struct {
	onRule
	ScheduleExpression, EventPattern, State, Description, RoleArn string
}

type ruleOut struct{ RuleArn string }

func putRule(c *cloud.Call, in putRuleIn) (out ruleOut, err error) {
	b, err := find(c, in.EventBusName)
	if err != nil {
		return out, err
	}
	if in.State == "" {
		in.State = "ENABLED"
	}
	switch {
	case in.EventPattern == "" && in.ScheduleExpression == "":
		return out, c.Invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	case in.EventPattern != "" && invalid(in.EventPattern) != nil:
		return out, invalid(in.EventPattern)
	case !slices.Contains([]string{"ENABLED", "DISABLED", allEvents}, in.State):
		return out, c.Invalid("State %s is not valid", in.State)
	}
	r := b.rules[in.Name]
	if r == nil {
		r = &rule{}
		b.rules[in.Name] = r
	}
	r.shape = ruleShape{
		Name: in.Name, Arn: ruleARN(c, b.name, in.Name), EventPattern: in.EventPattern, State: in.State, Description: in.Description,
		ScheduleExpression: in.ScheduleExpression, RoleArn: in.RoleArn, EventBusName: b.name,
	}
	return ruleOut{r.shape.Arn}, nil
}

func describeRule(c *cloud.Call, in onRule) (out ruleShape, err error) {
	_, r, err := findRule(c, in.EventBusName, in.Name)
	if err != nil {
		return out, err
	}
	return r.shape, nil
}

type listRulesIn struct {
	NamePrefix, EventBusName string
	paged
}

// On are the rules of the bus.
func (in *listRulesIn) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: ruleARN(c, in.EventBusName, "*")}
}

type rulesOut struct {
	Rules     []ruleShape
	NextToken string
}

func listRules(c *cloud.Call, in listRulesIn) (out rulesOut, err error) {
	b, err := find(c, in.EventBusName)
	if err != nil {
		return out, err
	}
	var all []ruleShape
	for _, r := range cloud.Sorted(b.rules) {
		if strings.HasPrefix(r.shape.Name, in.NamePrefix) {
			all = append(all, r.shape)
		}
	}
	out.Rules, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

func switchRule(to string) func(*cloud.Call, onRule) (cloud.None, error) {
	return func(c *cloud.Call, in onRule) (cloud.None, error) {
		_, r, err := findRule(c, in.EventBusName, in.Name)
		if err == nil {
			r.shape.State = to
		}
		return cloud.None{}, err
	}
}

type deleteRuleIn struct {
	onRule
	Force bool
}

func deleteRule(c *cloud.Call, in deleteRuleIn) (cloud.None, error) {
	b, err := find(c, in.EventBusName)
	if err != nil {
		return cloud.None{}, err
	}
	if r := b.rules[in.Name]; r != nil && len(r.targets) > 0 {
		return cloud.None{}, c.Invalid("Rule can't be deleted since it has targets.")
	}
	delete(b.rules, in.Name)
	return cloud.None{}, nil
}
