package ec2

import (
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

type pair struct{ GroupId, UserId string }

type ipRange struct{ CidrIp, Description string }

type permission struct {
	IpProtocol       string
	FromPort, ToPort *int
	IpRanges         []ipRange
	UserIdGroupPairs []pair `aws:"groups"`
}

type groupShape struct {
	GroupId, GroupName, GroupDescription, VpcId, OwnerId string
	IpPermissions, IpPermissionsEgress                   []permission
}

func newGroup(c *cloud.Call, name, description, vpc string) *groupShape {
	return &groupShape{
		GroupId: "sg-" + c.Cloud.Hex(17), GroupName: name, GroupDescription: description, VpcId: vpc, OwnerId: string(c.Account.ID),
		IpPermissionsEgress: []permission{{IpProtocol: "-1", IpRanges: []ipRange{{CidrIp: "0.0.0.0/0"}}}},
	}
}

type groupsIn struct {
	GroupId   []string `aws:",flat"`
	GroupName []string `aws:",flat"`
	Filter    filters  `aws:",flat"`
	paged
}

type groupsOut struct {
	SecurityGroupInfo []groupShape
	NextToken         string
}

func describeGroups(c *cloud.Call, in groupsIn) (out groupsOut, err error) {
	n := of(c)
	for _, id := range in.GroupId {
		if n.groups[id] == nil {
			return out, noGroup(id)
		}
	}
	if err := in.Filter.check(c, "group-id", "group-name", "vpc-id"); err != nil {
		return out, err
	}
	var all []groupShape
	for _, g := range cloud.Sorted(n.groups) {
		if (len(in.GroupId) == 0 || slices.Contains(in.GroupId, g.GroupId)) && (len(in.GroupName) == 0 || slices.Contains(in.GroupName, g.GroupName)) &&
			in.Filter.hold(map[string]string{"group-id": g.GroupId, "group-name": g.GroupName, "vpc-id": g.VpcId}) {
			all = append(all, *g)
		}
	}
	out.SecurityGroupInfo, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

func noGroup(id string) error {
	return cloud.Fail("InvalidGroup.NotFound", 400, "The security group '%s' does not exist", id)
}

type createGroupIn struct {
	GroupName        string `aws:",must"`
	GroupDescription string `aws:",must"`
	VpcId            string
}

// On is any security group: the ID is not known before it is made.
func (in *createGroupIn) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.ARN("security-group/*")}
}

type createGroupOut struct{ GroupId string }

func createGroup(c *cloud.Call, in createGroupIn) (out createGroupOut, err error) {
	n := of(c)
	if in.VpcId == "" {
		in.VpcId = n.vpc
	}
	if err := checkIDs("Vpc", []string{in.VpcId}, n.vpc); err != nil {
		return out, err
	}
	for _, g := range n.groups {
		if g.GroupName == in.GroupName {
			return out, cloud.Fail("InvalidGroup.Duplicate", 400, "The security group '%s' already exists for VPC '%s'", in.GroupName, in.VpcId)
		}
	}
	g := newGroup(c, in.GroupName, in.GroupDescription, in.VpcId)
	n.groups[g.GroupId] = g
	return createGroupOut{g.GroupId}, nil
}

type permissionIn struct {
	IpProtocol       string
	FromPort, ToPort *int
	IpRanges         []ipRange `aws:",flat"`
	Groups           []pair    `aws:",flat"`
}

type ingressIn struct {
	GroupId       string         `aws:",must"`
	IpPermissions []permissionIn `aws:",flat,must"`
}

// On is the security group's ARN.
func (in *ingressIn) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.ARN("security-group/" + in.GroupId)}
}

func (p permissionIn) same(o permission) bool {
	equal := func(a, b *int) bool { return a == b || a != nil && b != nil && *a == *b }
	return p.IpProtocol == o.IpProtocol && equal(p.FromPort, o.FromPort) && equal(p.ToPort, o.ToPort) && slices.Equal(p.Groups, o.UserIdGroupPairs) &&
		slices.EqualFunc(p.IpRanges, o.IpRanges, func(a, b ipRange) bool { return a.CidrIp == b.CidrIp })
}

type returnOut struct{ Return bool }

func authorizeIngress(c *cloud.Call, in ingressIn) (out returnOut, err error) {
	g := of(c).groups[in.GroupId]
	if g == nil {
		return out, noGroup(in.GroupId)
	}
	for _, p := range in.IpPermissions {
		if slices.ContainsFunc(g.IpPermissions, p.same) {
			return out, cloud.Fail("InvalidPermission.Duplicate", 400, "the specified rule already exists")
		}
	}
	for _, p := range in.IpPermissions {
		g.IpPermissions = append(g.IpPermissions, permission{p.IpProtocol, p.FromPort, p.ToPort, p.IpRanges, p.Groups})
	}
	return returnOut{true}, nil
}

func revokeIngress(c *cloud.Call, in ingressIn) (out returnOut, err error) {
	g := of(c).groups[in.GroupId]
	if g == nil {
		return out, noGroup(in.GroupId)
	}
	for _, p := range in.IpPermissions {
		i := slices.IndexFunc(g.IpPermissions, p.same)
		if i < 0 {
			return out, cloud.Fail("InvalidPermission.NotFound", 400, "The specified rule does not exist in this security group.")
		}
		g.IpPermissions = slices.Delete(g.IpPermissions, i, i+1)
	}
	return returnOut{true}, nil
}

type groupIn struct {
	GroupId string `aws:",must"`
}

// On is the security group's ARN.
func (in *groupIn) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.ARN("security-group/" + in.GroupId)}
}

func deleteGroup(c *cloud.Call, in groupIn) (out returnOut, err error) {
	n := of(c)
	g := n.groups[in.GroupId]
	switch {
	case g == nil:
		return out, noGroup(in.GroupId)
	case g.GroupName == "default":
		return out, cloud.Fail("CannotDelete", 400, "the specified group: \"%s\" name: \"default\" cannot be deleted by a user", g.GroupId)
	}
	delete(n.groups, in.GroupId)
	return returnOut{true}, nil
}

// instance is one instance with its root volume.
type instance struct {
	id, image, kind, profile, state, tokens, address string
	groups                                           []string
	volume                                           string
	encrypted                                        bool
	launched                                         time.Time
	association                                      string
}

type profileIn struct{ Arn, Name string }

type runIn struct {
	ImageId            string `aws:",must"`
	InstanceType       string
	MinCount, MaxCount int      `aws:",must"`
	SecurityGroupId    []string `aws:",flat"`
	IamInstanceProfile profileIn
	MetadataOptions    struct{ HttpTokens string }
	ClientToken        string
}

type stateShape struct {
	Code int
	Name string
}

type instanceShape struct {
	InstanceId, ImageId, InstanceType, VpcId, SubnetId, PrivateIpAddress string
	InstanceState                                                        stateShape
	LaunchTime                                                           time.Time
	GroupSet                                                             []struct{ GroupId string }
	IamInstanceProfile                                                   *struct{ Arn, Id string }
	MetadataOptions                                                      struct{ HttpTokens, HttpEndpoint, State string }
}

type reservation struct {
	ReservationId, OwnerId string
	InstancesSet           []instanceShape
}

// OnEach are what instances are made of and what is made with them.
func (in *runIn) OnEach(c *cloud.Call) []cloud.Resource {
	out := onIDs(c, "security-group", in.SecurityGroupId)
	if len(out) == 0 {
		out = onIDs(c, "security-group", []string{"*"})
	}
	for _, kind := range []string{"instance", "network-interface", "subnet", "volume"} {
		out = append(out, onIDs(c, kind, []string{"*"})...)
	}
	return append(out, cloud.Resource{ARN: "arn:aws:ec2:" + c.Region + "::image/" + in.ImageId})
}

// onIDs are resources of a kind.
func onIDs(c *cloud.Call, kind string, ids []string) []cloud.Resource {
	var out []cloud.Resource
	for _, id := range ids {
		out = append(out, cloud.Resource{ARN: c.ARN(kind + "/" + id)})
	}
	return out
}

// maxRun bounds how many instances one call starts.
const maxRun = 100

// profile finds the instance profile that a call names, by ARN or name.
func (p profileIn) profile(c *cloud.Call) (*cloud.Profile, error) {
	for _, known := range c.Account.Profiles {
		if known.ARN == p.Arn || known.Name == p.Name && p.Name != "" {
			return known, nil
		}
	}
	return nil, cloud.Fail("InvalidParameterValue", 400, "Value (%s%s) for parameter iamInstanceProfile is invalid. Invalid IAM Instance Profile", p.Arn, p.Name)
}

func runInstances(c *cloud.Call, in runIn) (out reservation, err error) {
	n := of(c)
	if in.MinCount < 1 || in.MaxCount < in.MinCount || in.MaxCount > maxRun {
		return out, c.Invalid("MinCount and MaxCount must be 1 to %d, in order", maxRun)
	}
	for _, id := range in.SecurityGroupId {
		if n.groups[id] == nil {
			return out, noGroup(id)
		}
	}
	arn := ""
	if in.IamInstanceProfile != (profileIn{}) {
		p, err := in.IamInstanceProfile.profile(c)
		if err != nil {
			return out, err
		}
		for _, name := range p.Roles {
			if r := c.Account.Roles[name]; r != nil {
				if err := c.Authorize("iam:PassRole", cloud.Resource{ARN: r.ARN, Keys: map[string][]string{"iam:PassedToService": {"ec2.amazonaws.com"}}}); err != nil {
					return out, err
				}
			}
		}
		arn = p.ARN
	}
	if in.InstanceType == "" {
		in.InstanceType = "m1.small"
	}
	if in.MetadataOptions.HttpTokens == "" {
		in.MetadataOptions.HttpTokens = "optional"
	}
	out.ReservationId, out.OwnerId = "r-"+c.Cloud.Hex(17), string(c.Account.ID)
	for range in.MaxCount {
		i := &instance{
			id: "i-" + c.Cloud.Hex(17), image: in.ImageId, kind: in.InstanceType, profile: arn, state: "running", tokens: in.MetadataOptions.HttpTokens,
			address: address(len(n.instances)), groups: in.SecurityGroupId, volume: "vol-" + c.Cloud.Hex(17), encrypted: n.encrypted, launched: c.Now,
			association: "iip-assoc-" + c.Cloud.Hex(17),
		}
		n.instances = append(n.instances, i)
		out.InstancesSet = append(out.InstancesSet, i.show(n))
	}
	return out, nil
}

func (i *instance) show(n *network) instanceShape {
	code := map[string]int{"running": 16, "terminated": 48}[i.state]
	out := instanceShape{
		InstanceId: i.id, ImageId: i.image, InstanceType: i.kind, VpcId: n.vpc, SubnetId: n.subnet, PrivateIpAddress: i.address, InstanceState: stateShape{code, i.state}, LaunchTime: i.launched,
	}
	for _, g := range i.groups {
		out.GroupSet = append(out.GroupSet, struct{ GroupId string }{g})
	}
	if i.profile != "" {
		out.IamInstanceProfile = &struct{ Arn, Id string }{i.profile, strings.ToUpper(i.id)}
	}
	out.MetadataOptions.HttpTokens, out.MetadataOptions.HttpEndpoint, out.MetadataOptions.State = i.tokens, "enabled", "applied"
	return out
}

type instancesIn struct {
	InstanceId []string `aws:",flat"`
	Filter     filters  `aws:",flat"`
	paged
}

type instancesOut struct {
	ReservationSet []reservation
	NextToken      string
}

func (n *network) ids() []string {
	var out []string
	for _, i := range n.instances {
		out = append(out, i.id)
	}
	return out
}

func describeInstances(c *cloud.Call, in instancesIn) (out instancesOut, err error) {
	n := of(c)
	if err := checkIDs("Instance", in.InstanceId, n.ids()...); err != nil {
		return out, err
	}
	if err := in.Filter.check(c, "instance-id", "instance-state-name", "vpc-id", "iam-instance-profile.arn"); err != nil {
		return out, err
	}
	var all []reservation
	for _, i := range n.instances {
		values := map[string]string{"instance-id": i.id, "instance-state-name": i.state, "vpc-id": n.vpc, "iam-instance-profile.arn": i.profile}
		if (len(in.InstanceId) == 0 || slices.Contains(in.InstanceId, i.id)) && in.Filter.hold(values) {
			all = append(all, reservation{"r" + i.id[1:], string(c.Account.ID), []instanceShape{i.show(n)}})
		}
	}
	out.ReservationSet, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

type terminateIn struct {
	InstanceId []string `aws:",flat,must"`
}

type change struct {
	InstanceId                  string
	CurrentState, PreviousState stateShape
}

type terminateOut struct{ InstancesSet []change }

// OnEach are the instances.
func (in *terminateIn) OnEach(c *cloud.Call) []cloud.Resource {
	return onIDs(c, "instance", in.InstanceId)
}

func terminateInstances(c *cloud.Call, in terminateIn) (out terminateOut, err error) {
	n := of(c)
	if err := checkIDs("Instance", in.InstanceId, n.ids()...); err != nil {
		return out, err
	}
	for _, i := range n.instances {
		if slices.Contains(in.InstanceId, i.id) {
			before := i.show(n).InstanceState
			i.state = "terminated"
			out.InstancesSet = append(out.InstancesSet, change{i.id, i.show(n).InstanceState, before})
		}
	}
	return out, nil
}

type volumesIn struct {
	VolumeId []string `aws:",flat"`
	Filter   filters  `aws:",flat"`
	paged
}

type volumeShape struct {
	VolumeId, Status, VolumeType, AvailabilityZone string
	Size                                           int
	Encrypted                                      bool
	CreateTime                                     time.Time
}

type volumesOut struct {
	VolumeSet []volumeShape
	NextToken string
}

// describeVolumes are the root volumes of the instances that run.
func describeVolumes(c *cloud.Call, in volumesIn) (out volumesOut, err error) {
	if err := in.Filter.check(c, "encrypted", "status"); err != nil {
		return out, err
	}
	var all []volumeShape
	for _, i := range of(c).instances {
		word := map[bool]string{true: "true", false: "false"}[i.encrypted]
		if i.state == "running" && (len(in.VolumeId) == 0 || slices.Contains(in.VolumeId, i.volume)) && in.Filter.hold(map[string]string{"encrypted": word, "status": "in-use"}) {
			all = append(all, volumeShape{i.volume, "in-use", "gp3", c.Region + "a", 8, i.encrypted, i.launched})
		}
	}
	out.VolumeSet, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

type associationsIn struct {
	AssociationId []string `aws:",flat"`
	Filter        filters  `aws:",flat"`
	paged
}

type associationShape struct {
	AssociationId, InstanceId, State string
	IamInstanceProfile               struct{ Arn, Id string }
}

type associationsOut struct {
	IamInstanceProfileAssociationSet []associationShape
	NextToken                        string
}

func describeAssociations(c *cloud.Call, in associationsIn) (out associationsOut, err error) {
	if err := in.Filter.check(c, "instance-id", "state"); err != nil {
		return out, err
	}
	var all []associationShape
	for _, i := range of(c).instances {
		if i.profile == "" || i.state != "running" || len(in.AssociationId) > 0 && !slices.Contains(in.AssociationId, i.association) ||
			!in.Filter.hold(map[string]string{"instance-id": i.id, "state": "associated"}) {
			continue
		}
		s := associationShape{AssociationId: i.association, InstanceId: i.id, State: "associated"}
		s.IamInstanceProfile.Arn, s.IamInstanceProfile.Id = i.profile, strings.ToUpper(i.id)
		all = append(all, s)
	}
	out.IamInstanceProfileAssociationSet, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}
