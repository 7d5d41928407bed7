import { createApp } from 'vue'
import App from './App.vue'
import { router } from './router'
import { applyTheme } from './stores/theme'
import './styles/tokens.css'
import './styles/base.css'

applyTheme()
createApp(App).use(router).mount('#app')
