// Package ec2 is the part of the simulated Amazon EC2 that a security review reads:
// Regions, the default network, security groups, instances with their profiles, flow
// logs, volumes, default encryption.
//
// Source: Amazon EC2 API Reference, version 2016-11-15.
package ec2

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// Service lists the operations.
func Service() *cloud.Service {
	return &cloud.Service{
		Name: "ec2", Version: "2016-11-15", Protocol: cloud.EC2Query,
		Codes: cloud.Codes{Denied: "UnauthorizedOperation", Throttled: "RequestLimitExceeded", Invalid: "InvalidParameterValue", Token: "InvalidNextToken"},
		Operations: []*cloud.Operation{
			cloud.Op("DescribeRegions", describeRegions),
			cloud.Op("DescribeVpcs", describeVPCs),
			cloud.Op("DescribeSubnets", describeSubnets),
			cloud.Op("DescribeSecurityGroups", describeGroups),
			cloud.Op("CreateSecurityGroup", createGroup),
			cloud.Op("AuthorizeSecurityGroupIngress", authorizeIngress),
			cloud.Op("RevokeSecurityGroupIngress", revokeIngress),
			cloud.Op("DeleteSecurityGroup", deleteGroup),
			cloud.Op("DescribeNetworkAcls", describeACLs),
			cloud.Op("RunInstances", runInstances),
			cloud.Op("DescribeInstances", describeInstances),
			cloud.Op("TerminateInstances", terminateInstances),
			cloud.Op("DescribeVolumes", describeVolumes),
			cloud.Op("DescribeIamInstanceProfileAssociations", describeAssociations),
			cloud.Op("CreateFlowLogs", createFlowLogs),
			cloud.Op("DescribeFlowLogs", describeFlowLogs),
			cloud.Op("DeleteFlowLogs", deleteFlowLogs),
			cloud.Op("GetEbsEncryptionByDefault", getEncryption),
			cloud.Op("EnableEbsEncryptionByDefault", switchEncryption(true)),
			cloud.Op("DisableEbsEncryptionByDefault", switchEncryption(false)),
		},
	}
}

// network is what an account has in a Region. Its default VPC is there from the start.
type network struct {
	vpc       string
	subnet    string
	acl       string
	groups    map[string]*groupShape
	instances []*instance
	flowLogs  map[string]*flowLogShape
	encrypted bool
}

func of(c *cloud.Call) *network {
	n := cloud.Regional[network](c.Account, c.Region)
	if n.vpc == "" {
		n.vpc, n.subnet, n.acl = "vpc-"+c.Cloud.Hex(17), "subnet-"+c.Cloud.Hex(17), "acl-"+c.Cloud.Hex(17)
		n.groups, n.flowLogs = map[string]*groupShape{}, map[string]*flowLogShape{}
		g := newGroup(c, "default", "default VPC security group", n.vpc)
		g.IpPermissions = []permission{{IpProtocol: "-1", UserIdGroupPairs: []pair{{GroupId: g.GroupId, UserId: string(c.Account.ID)}}}}
		n.groups[g.GroupId] = g
	}
	return n
}

// filter keeps what has one of its values, which may hold * and ?.
type filter struct {
	Name  string
	Value []string `aws:",flat"`
}

// filters are the conditions of a listing, of which all must hold.
type filters []filter

func (f filters) check(c *cloud.Call, known ...string) error {
	for _, one := range f {
		if !slices.Contains(known, one.Name) {
			return c.Invalid("The filter '%s' is invalid", one.Name)
		}
	}
	return nil
}

func (f filters) hold(values map[string]string) bool {
	for _, one := range f {
		if !slices.ContainsFunc(one.Value, func(pattern string) bool {
			ok, err := path.Match(strings.ReplaceAll(pattern, "/", "|"), strings.ReplaceAll(values[one.Name], "/", "|"))
			return err == nil && ok
		}) {
			return false
		}
	}
	return true
}

type paged struct {
	NextToken  string
	MaxResults int
}

func cut[T any](c *cloud.Call, p paged, all []T) ([]T, string, error) {
	return cloud.Page(c, all, p.NextToken, p.MaxResults, 1000, 1000)
}

type regionsIn struct {
	RegionName []string `aws:",flat"`
	AllRegions bool
	Filter     filters `aws:",flat"`
}

type regionShape struct{ RegionName, RegionEndpoint, OptInStatus string }

type regionsOut struct {
	RegionInfo []regionShape
}

func describeRegions(c *cloud.Call, in regionsIn) (out regionsOut, err error) {
	if err := in.Filter.check(c, "region-name", "opt-in-status"); err != nil {
		return out, err
	}
	words := map[string]string{"ENABLED_BY_DEFAULT": "opt-in-not-required", "ENABLED": "opted-in", "DISABLED": "not-opted-in"}
	for _, r := range c.Account.Regions() {
		named := len(in.RegionName) == 0 || slices.Contains(in.RegionName, r.Name)
		if (r.Enabled() || in.AllRegions) && named && in.Filter.hold(map[string]string{"region-name": r.Name, "opt-in-status": words[r.Status]}) {
			out.RegionInfo = append(out.RegionInfo, regionShape{r.Name, "ec2." + r.Name + ".amazonaws.com", words[r.Status]})
		}
	}
	return out, nil
}

type vpcsIn struct {
	VpcId  []string `aws:",flat"`
	Filter filters  `aws:",flat"`
	paged
}

type vpcShape struct {
	VpcId, OwnerId, State, CidrBlock, InstanceTenancy string
	IsDefault                                         bool
}

type vpcsOut struct {
	VpcSet    []vpcShape
	NextToken string
}

func missing(kind, id string) error {
	return cloud.Fail("Invalid"+kind+"ID.NotFound", 400, "The %s ID '%s' does not exist", strings.ToLower(kind), id)
}

// checkIDs refuses IDs that are not there.
func checkIDs(kind string, ids []string, have ...string) error {
	for _, id := range ids {
		if !slices.Contains(have, id) {
			return missing(kind, id)
		}
	}
	return nil
}

func describeVPCs(c *cloud.Call, in vpcsIn) (out vpcsOut, err error) {
	n := of(c)
	if err := checkIDs("Vpc", in.VpcId, n.vpc); err != nil {
		return out, err
	}
	if err := in.Filter.check(c, "vpc-id", "is-default", "state"); err != nil {
		return out, err
	}
	var all []vpcShape
	if in.Filter.hold(map[string]string{"vpc-id": n.vpc, "is-default": "true", "state": "available"}) {
		all = []vpcShape{{n.vpc, string(c.Account.ID), "available", "172.31.0.0/16", "default", true}}
	}
	out.VpcSet, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

type subnetsIn struct {
	SubnetId []string `aws:",flat"`
	Filter   filters  `aws:",flat"`
	paged
}

type subnetShape struct {
	SubnetId, VpcId, State, CidrBlock, AvailabilityZone, OwnerId string
	DefaultForAz, MapPublicIpOnLaunch                            bool
}

type subnetsOut struct {
	SubnetSet []subnetShape
	NextToken string
}

func describeSubnets(c *cloud.Call, in subnetsIn) (out subnetsOut, err error) {
	n := of(c)
	if err := checkIDs("Subnet", in.SubnetId, n.subnet); err != nil {
		return out, err
	}
	if err := in.Filter.check(c, "vpc-id", "subnet-id"); err != nil {
		return out, err
	}
	var all []subnetShape
	if in.Filter.hold(map[string]string{"vpc-id": n.vpc, "subnet-id": n.subnet}) {
		all = []subnetShape{{n.subnet, n.vpc, "available", "172.31.0.0/20", c.Region + "a", string(c.Account.ID), true, true}}
	}
	out.SubnetSet, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

type aclsIn struct {
	NetworkAclId []string `aws:",flat"`
	Filter       filters  `aws:",flat"`
	paged
}

type aclEntry struct {
	RuleNumber                      int
	Protocol, RuleAction, CidrBlock string
	Egress                          bool
}

type aclShape struct {
	NetworkAclId, VpcId, OwnerId string
	Default                      bool
	EntrySet                     []aclEntry
}

type aclsOut struct {
	NetworkAclSet []aclShape
	NextToken     string
}

func describeACLs(c *cloud.Call, in aclsIn) (out aclsOut, err error) {
	n := of(c)
	if err := checkIDs("NetworkAcl", in.NetworkAclId, n.acl); err != nil {
		return out, err
	}
	if err := in.Filter.check(c, "vpc-id", "default"); err != nil {
		return out, err
	}
	var all []aclShape
	if in.Filter.hold(map[string]string{"vpc-id": n.vpc, "default": "true"}) {
		all = []aclShape{{n.acl, n.vpc, string(c.Account.ID), true, []aclEntry{
			{100, "-1", "allow", "0.0.0.0/0", false}, {32767, "-1", "deny", "0.0.0.0/0", false}, {100, "-1", "allow", "0.0.0.0/0", true}, {32767, "-1", "deny", "0.0.0.0/0", true},
		}}}
	}
	out.NetworkAclSet, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

type encryptionOut struct {
	EbsEncryptionByDefault bool
	SseType                string
}

func getEncryption(c *cloud.Call, _ cloud.None) (encryptionOut, error) {
	if of(c).encrypted {
		return encryptionOut{true, "sse-ebs"}, nil
	}
	return encryptionOut{SseType: "none"}, nil
}

type switchOut struct{ EbsEncryptionByDefault bool }

func switchEncryption(on bool) func(*cloud.Call, cloud.None) (switchOut, error) {
	return func(c *cloud.Call, _ cloud.None) (switchOut, error) {
		of(c).encrypted = on
		return switchOut{on}, nil
	}
}

type flowLogShape struct {
	FlowLogId, ResourceId, FlowLogStatus, TrafficType, LogDestinationType, LogDestination, LogGroupName, DeliverLogsPermissionArn string
	DeliverLogsStatus                                                                                                             string
	CreationTime                                                                                                                  time.Time
}

type createFlowLogsIn struct {
	ResourceId               []string `aws:",flat,must"`
	ResourceType             string   `aws:",must"`
	TrafficType              string
	LogDestinationType       string
	LogDestination           string
	LogGroupName             string
	DeliverLogsPermissionArn string
}

// On is any flow log: the IDs are not known before they are made.
func (in *createFlowLogsIn) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.ARN("vpc-flow-log/*")}
}

type createFlowLogsOut struct {
	FlowLogIdSet []string
}

func createFlowLogs(c *cloud.Call, in createFlowLogsIn) (out createFlowLogsOut, err error) {
	n := of(c)
	switch {
	case in.ResourceType != "VPC":
		return out, c.Invalid("the simulator has flow logs of VPCs alone")
	case !slices.Contains([]string{"ACCEPT", "REJECT", "ALL"}, in.TrafficType):
		return out, c.Invalid("TrafficType must be ACCEPT, REJECT or ALL")
	}
	if err := checkIDs("Vpc", in.ResourceId, n.vpc); err != nil {
		return out, err
	}
	if in.DeliverLogsPermissionArn != "" {
		if err := c.Authorize("iam:PassRole", cloud.Resource{ARN: in.DeliverLogsPermissionArn}); err != nil {
			return out, err
		}
	}
	if in.LogDestinationType == "" {
		in.LogDestinationType = "cloud-watch-logs"
	}
	for _, id := range in.ResourceId {
		f := &flowLogShape{"fl-" + c.Cloud.Hex(17), id, "ACTIVE", in.TrafficType, in.LogDestinationType, in.LogDestination, in.LogGroupName, in.DeliverLogsPermissionArn, "SUCCESS", c.Now}
		n.flowLogs[f.FlowLogId] = f
		out.FlowLogIdSet = append(out.FlowLogIdSet, f.FlowLogId)
	}
	return out, nil
}

type flowLogsIn struct {
	FlowLogId []string `aws:",flat"`
	Filter    filters  `aws:",flat"`
	paged
}

type flowLogsOut struct {
	FlowLogSet []flowLogShape
	NextToken  string
}

func describeFlowLogs(c *cloud.Call, in flowLogsIn) (out flowLogsOut, err error) {
	if err := in.Filter.check(c, "resource-id", "traffic-type", "log-destination-type"); err != nil {
		return out, err
	}
	var all []flowLogShape
	for _, f := range cloud.Sorted(of(c).flowLogs) {
		if (len(in.FlowLogId) == 0 || slices.Contains(in.FlowLogId, f.FlowLogId)) &&
			in.Filter.hold(map[string]string{"resource-id": f.ResourceId, "traffic-type": f.TrafficType, "log-destination-type": f.LogDestinationType}) {
			all = append(all, *f)
		}
	}
	out.FlowLogSet, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

type deleteFlowLogsIn struct {
	FlowLogId []string `aws:",flat,must"`
}

// OnEach are the flow logs.
func (in *deleteFlowLogsIn) OnEach(c *cloud.Call) []cloud.Resource {
	return onIDs(c, "vpc-flow-log", in.FlowLogId)
}

func deleteFlowLogs(c *cloud.Call, in deleteFlowLogsIn) (cloud.None, error) {
	n := of(c)
	for _, id := range in.FlowLogId {
		if n.flowLogs[id] == nil {
			return cloud.None{}, cloud.Fail("InvalidFlowLogId.NotFound", 400, "The flow log ID '%s' does not exist", id)
		}
	}
	for _, id := range in.FlowLogId {
		delete(n.flowLogs, id)
	}
	return cloud.None{}, nil
}

// address is the private address of the n-th instance.
func address(n int) string { return fmt.Sprintf("172.31.%d.%d", n/250%16, 4+n%250) }
