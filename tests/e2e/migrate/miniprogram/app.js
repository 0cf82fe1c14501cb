App({
  onLaunch() {
    wx.cloud.init({ env: 'shop-1a2b', traceUser: true });
    wx.login({ success: ({ code }) => console.log(code) });
  },
});
