# States, owners and queues, which the port resource does not know.
control 'tcp' do
  impact 0.7
  title 'TCP is well'

  tcp = json(command: 'tcpvet check --json --exit-zero')
  describe tcp do
    its('status') { should cmp 'ok' }
  end

  close_wait = tcp.params['numbers'].find { |number| number['name'] == 'close_wait' }
  describe 'connections in CLOSE_WAIT' do
    subject { close_wait['value'] }
    it { should cmp 0 }
  end
end
